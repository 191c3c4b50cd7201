"""The orders of one request while workers carry them out."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from search.workers.messages import Answer, Done, Failed, Found, Order, as_exception
from search.workers.worker import Deaths, WorkerDied


class Request:
    """Orders to hand out, the busy workers with their starting times, and the results so far.

    Args:
        timeout_s: seconds after which a worker is overdue; ``None`` is never.

    Attributes:
        waiting: places of the orders that nobody has, the next one last.
        busy: the place of the order that each busy worker has.
        done: images, or what a measurement found, by the order's place.
    """

    def __init__(self, orders: Sequence[Order], timeout_s: float | None = None) -> None:
        self._orders, self._timeout_s = orders, timeout_s
        self.waiting = list(reversed(range(len(orders))))
        self.busy: dict[int, int] = {}
        self.since: dict[int, float] = {}
        self.deaths: defaultdict[int, Deaths] = defaultdict(Deaths)
        self.done: dict[int, Any] = {}
        self.seconds: defaultdict[int, float] = defaultdict(float)
        self.error: Exception | None = None

    def next_for(self, number: int) -> Order:
        """Take the next order for worker ``number``."""
        self.busy[number], self.since[number] = self.waiting.pop(), time.monotonic()
        return self._orders[self.busy[number]]

    def give_back(self, number: int, death: WorkerDied, retries: int) -> bool:
        """Put a dead worker's order back, unless more than ``retries`` workers died on it."""
        if not self.deaths[self.busy[number]].again(death, retries):
            return False
        self.take_back(number)
        return True

    def take_back(self, number: int) -> None:
        """Make the order of worker ``number`` the next to hand out."""
        self.waiting.append(self.busy.pop(number))

    def patience(self) -> float | None:
        """Seconds until the first worker is overdue."""
        if self._timeout_s is None:
            return None
        first = min(self.since[number] for number in self.busy)
        return max(0.0, first + self._timeout_s - time.monotonic())

    def overdue(self) -> list[int]:
        """Workers that have had their order for too long."""
        if self._timeout_s is None:
            return []
        now = time.monotonic()
        return [number for number in self.busy if now - self.since[number] >= self._timeout_s]

    def take(self, number: int, answer: Answer) -> None:
        """Take the answer of worker ``number``. Of several failures the first is kept."""
        place = self.busy.pop(number)
        if isinstance(answer, Failed):
            self.error = self.error or as_exception(answer)
        elif isinstance(answer, Found):
            self.done[place] = answer.value
        else:
            assert isinstance(answer, Done)
            self.done[place] = images = answer.unpack()
            self.seconds[number] += images.seconds
