"""Work that many threads ask for and one thread does, in turn."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")

LOOK_UP_S = 0.5
"""Seconds that the main thread waits at a time. A signal that arrives just before a wait begins
does not end it; Python acts on it after the wait."""


class Turns(Generic[T]):
    """A queue of jobs. The main thread does them, because a process that ends while PyTorch runs in
    another thread is aborted.
    """

    def __init__(self) -> None:
        self._asked: SimpleQueue[tuple[Callable[[], T], Future[T]] | None] = SimpleQueue()

    def ask(self, job: Callable[[], T]) -> T:
        """The job's result, or what it raised. Waits for its turn, for ever if no thread works."""
        future: Future[T] = Future()
        self._asked.put((job, future))
        return future.result()

    def work(self) -> None:
        """Do the jobs in the order in which they were asked for, until :meth:`close`."""
        while True:
            try:
                next_one = self._asked.get(timeout=LOOK_UP_S)
            except Empty:
                continue
            if next_one is None:
                return
            job, future = next_one
            try:
                future.set_result(job())
            except Exception as error:
                future.set_exception(error)

    def close(self) -> None:
        """Let :meth:`work` return when the jobs before are done."""
        self._asked.put(None)
