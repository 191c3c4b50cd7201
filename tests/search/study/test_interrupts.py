from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from search.study.interrupts import uninterrupted


@pytest.fixture(autouse=True)
def _default_handler() -> Iterator[None]:
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


def interrupted_write(steps: list[str]) -> None:
    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
        steps.append("written")
    steps.append("never")


def test_an_interrupt_inside_arrives_after_the_block() -> None:
    steps: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted_write(steps)
    assert steps == ["written"]


def test_interrupts_work_as_before_afterwards() -> None:
    with uninterrupted():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_ignored_interrupt_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with uninterrupted():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_an_error_inside_wins_over_the_interrupt() -> None:
    def fail() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()


def test_other_threads_have_nothing_to_hold_back() -> None:
    done: list[bool] = []

    def work() -> None:
        with uninterrupted():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]


def test_a_request_to_terminate_waits_too() -> None:
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    steps: list[str] = []

    def write() -> None:
        with uninterrupted():
            signal.raise_signal(signal.SIGTERM)
            steps.append("written")
        steps.append("never")

    try:
        with pytest.raises(KeyboardInterrupt):
            write()
    finally:
        signal.signal(signal.SIGTERM, previous)
    assert steps == ["written"]
