"""Jobs are done in the main thread, one after another, until it is interrupted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

import pytest

from search.demo.turns import Turns


def close_after(turns: Turns[int], asked: Sequence[Future[int]]) -> None:
    wait(asked)
    turns.close()


def test_jobs_are_done_by_the_thread_that_works_and_answered_to_those_that_ask() -> None:
    turns = Turns[int]()
    with ThreadPoolExecutor(5) as people:
        asked = [people.submit(turns.ask, threading.get_ident) for _ in range(3)]
        failed = people.submit(turns.ask, lambda: 1 // 0)
        people.submit(close_after, turns, [*asked, failed])
        turns.work()
    assert {each.result() for each in asked} == {threading.get_ident()}
    assert isinstance(failed.exception(), ZeroDivisionError)


def test_an_interrupt_that_does_not_wake_the_waiting_thread_ends_its_work_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when the signal comes just before the wait: the wait goes on, and Python acts after it."""
    monkeypatch.setattr("search.demo.turns.LOOK_UP_S", 0.05)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    elsewhere = threading.Timer(
        0.3, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGINT)
    )
    elsewhere.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            Turns[int]().work()
    finally:
        elsewhere.join()
        signal.signal(signal.SIGINT, before)
