"""The chunks of one request while workers generate them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence

from search.launch.workers.messages import Answer, Done, Failed, Task, as_exception
from search.launch.workers.worker import Deaths, WorkerDied
from search.model.images import Images


class Request:
    """Tasks to hand out, the busy workers with their starting times, and the results so far."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = list(reversed(tasks))
        self.busy: dict[int, Task] = {}
        self.since: dict[int, float] = {}
        self.deaths: defaultdict[int, Deaths] = defaultdict(Deaths)
        self.done: dict[int, Images] = {}
        self.seconds: defaultdict[int, float] = defaultdict(float)
        self.error: Exception | None = None

    def next_for(self, number: int) -> Task:
        """Take the next task for worker ``number``."""
        self.busy[number], self.since[number] = self.tasks.pop(), time.monotonic()
        return self.busy[number]

    def give_back(self, number: int, death: WorkerDied, retries: int) -> bool:
        """Put a dead worker's task back, unless more than ``retries`` workers died on it."""
        if not self.deaths[self.busy[number].chunk].again(death, retries):
            return False
        self.take_back(number)
        return True

    def take_back(self, number: int) -> None:
        """Make the task of worker ``number`` the next to hand out."""
        self.tasks.append(self.busy.pop(number))

    def patience(self, timeout_s: float | None) -> float | None:
        """Seconds until the first worker exceeds ``timeout_s``."""
        if timeout_s is None:
            return None
        first = min(self.since[number] for number in self.busy)
        return max(0.0, first + timeout_s - time.monotonic())

    def overdue(self, timeout_s: float | None) -> list[int]:
        """Workers that have had their task for ``timeout_s`` or longer."""
        if timeout_s is None:
            return []
        now = time.monotonic()
        return [number for number in self.busy if now - self.since[number] >= timeout_s]

    def take(self, number: int, answer: Answer) -> None:
        """Take the answer of worker ``number``. Of several failures the first is kept."""
        task = self.busy.pop(number)
        if isinstance(answer, Failed):
            self.error = self.error or as_exception(answer)
            return
        assert isinstance(answer, Done)
        self.done[task.chunk] = images = answer.unpack()
        self.seconds[number] += images.seconds
