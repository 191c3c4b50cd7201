"""Chunks of images dealt out to workers as they become free, wherever the workers run."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Generic, Protocol, Self, TypeVar

from dato import Schedule
from search.duration import duration_text
from search.errors import TrialError, UserError
from search.evaluate.images import Images, pick
from search.evaluate.workload import Workload, chunks_of
from search.launch.pool_messages import Answer, Done, Failed, Ready, Task, as_exception


class WorkerDied(Exception):  # noqa: N818
    """A worker is gone; the message says how it ended."""


class Worker(Protocol):
    """One worker, from the driver's side. It answers one task at a time."""

    def send(self, task: Task) -> bool:
        """Whether the worker was there to take the task."""
        ...

    def receive(self) -> Answer:
        """The next answer; waits for it.

        Raises:
            WorkerDied: there will be none.
        """
        ...

    def ready(self) -> None:
        """Wait until the model is loaded.

        Raises:
            UserError: it cannot be; WorkerDied: the worker ended meanwhile.
        """
        ...

    def stop(self) -> None:
        """End the worker, whatever it is doing."""
        ...


W = TypeVar("W", bound=Worker)


class WorkerPool(ABC, Generic[W]):
    """A pool of workers that each hold the model. Same bits as
    :class:`~search.launch.pool.SerialPool`, whatever their number.

    Args:
        batch_size: images per chunk.
        search: the search workload; ``heldout``: the second one.
        workers: how many.
        timeout_s: seconds after which a worker that has not finished a chunk is replaced and its
            trial failed; ``None`` waits for ever.

    Raises:
        UserError: the model cannot be loaded.
    """

    retries = 0
    """How often a chunk whose worker died is handed out again before its trial fails."""

    def __init__(
        self,
        batch_size: int,
        search: Workload,
        heldout: Workload | None,
        workers: int,
        timeout_s: float | None = None,
    ) -> None:
        if workers < 1:
            raise UserError(f"launcher.workers is at least 1; found {workers}.")
        self._batch_size, self._search, self._heldout = batch_size, search, heldout
        self._timeout_s = timeout_s
        self._workers: list[W] = []
        try:
            for number in range(workers):
                self._workers.append(self._start(number))
            for worker in self._workers:
                worker.ready()
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def _start(self, number: int) -> W:
        """Start worker ``number``, without waiting until its model is loaded."""

    @abstractmethod
    def _answered(self, numbers: Sequence[int], patience_s: float | None) -> Sequence[int]:
        """Those of the workers that have an answer or are gone; waits for the first."""

    def generate(
        self, schedule: Schedule | None, indices: Sequence[int], *, heldout: bool = False
    ) -> Images:
        """See :class:`search.launch.pool.Pool`. ``seconds`` is the busiest worker's."""
        workload = self._heldout if heldout else self._search
        if workload is None:
            raise ValueError("This pool was made without a held-out workload.")
        chunks = chunks_of(indices, self._batch_size, len(workload))
        request = _Request([Task(schedule, chunk, heldout) for chunk in chunks])
        try:
            self._serve(request)
        except BaseException:
            for number in request.busy:
                self._replace(number, wait_for_it=False)
            raise
        if request.error is not None:
            raise request.error
        images = pick(request.done, indices, self._batch_size)
        return replace(images, seconds=max(request.seconds.values(), default=0.0))

    def _serve(self, request: _Request) -> None:
        """Hand out tasks until all are answered, or one failed and the others came in."""
        while True:
            for number in range(len(self._workers)):
                if request.tasks and request.error is None and number not in request.busy:
                    self._send(number, request.next_for(number))
            if not request.busy:
                return
            for number in self._answered([*request.busy], request.patience(self._timeout_s)):
                self._receive(number, request)
            for number in request.overdue(self._timeout_s):
                self._replace(number)
                took = duration_text(self._timeout_s or 0)
                reason = f"A worker took longer than launcher.timeout={took} for one batch."
                request.take(number, Failed("trial", f"{reason} It was started again."))

    def _send(self, number: int, task: Task) -> None:
        """A worker that died while idle held no work, so a new one takes its place unnoticed."""
        if not self._workers[number].send(task):
            self._replace(number)
            if not self._workers[number].send(task):
                raise TrialError("A worker ended as soon as it was started again.")

    def _receive(self, number: int, request: _Request) -> None:
        try:
            request.take(number, self._workers[number].receive())
        except WorkerDied as death:
            self._replace(number)
            if not request.give_back(number, self.retries):
                request.take(number, Failed("trial", f"{death} It was started again."))

    def _replace(self, number: int, wait_for_it: bool = True) -> None:
        self._workers[number].stop()
        self._workers[number] = self._start(number)
        if wait_for_it:
            self._workers[number].ready()

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.stop()
        self._workers = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Request:
    """Tasks to hand out, workers at work and since when, results so far."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = list(reversed(tasks))
        self.busy: dict[int, Task] = {}
        self.since: dict[int, float] = {}
        self.deaths: Counter[int] = Counter()
        self.done: dict[int, Images] = {}
        self.seconds: defaultdict[int, float] = defaultdict(float)
        self.error: Exception | None = None

    def next_for(self, number: int) -> Task:
        """Take the next task for worker ``number``."""
        self.busy[number], self.since[number] = self.tasks.pop(), time.monotonic()
        return self.busy[number]

    def give_back(self, number: int, retries: int) -> bool:
        """Put a dead worker's task back, unless as many workers as that died on it before."""
        chunk = self.busy[number].chunk
        self.deaths[chunk] += 1
        if self.deaths[chunk] > retries:
            return False
        self.tasks.append(self.busy.pop(number))
        return True

    def patience(self, timeout_s: float | None) -> float | None:
        """Seconds until the first worker is overdue."""
        if timeout_s is None:
            return None
        first = min(self.since[number] for number in self.busy)
        return max(0.0, first + timeout_s - time.monotonic())

    def overdue(self, timeout_s: float | None) -> list[int]:
        """Workers that have been at their task for too long."""
        if timeout_s is None:
            return []
        now = time.monotonic()
        return [number for number in self.busy if now - self.since[number] >= timeout_s]

    def take(self, number: int, answer: Answer) -> None:
        """Note the answer of worker ``number``; the first failure is kept.

        A worker that was replaced after an interruption first says that it is ready.
        """
        if isinstance(answer, Ready):
            self.since[number] = time.monotonic()
            return
        task = self.busy.pop(number)
        if isinstance(answer, Done):
            self.done[task.chunk] = images = answer.unpack()
            self.seconds[number] += images.seconds
        else:
            self.error = self.error or as_exception(answer)
