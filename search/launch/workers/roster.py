"""Workers of a pool that come and go: who is ready, who is still loading, who takes whose place."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from search.errors import UserError
from search.launch.workers.messages import Answer, Failed, Order, Ready, as_exception
from search.model.description import ModelDescription
from search.settings.duration import duration_text

STRIKES = 3
"""A worker that dies so often in a row before its model is loaded ends the study."""


class WorkerDied(Exception):  # noqa: N818
    """A worker is gone; the message says how it ended."""


class Worker(Protocol):
    """One worker, from the driver's side. It first answers that it is ready, or why it never will
    be; then it answers one order at a time."""

    def send(self, order: Order) -> bool:
        """Whether the worker was there to take the order."""
        ...

    def receive(self) -> Answer:
        """The next answer; waits for it.

        Raises:
            WorkerDied: there will be none.
        """
        ...

    def stop(self) -> None:
        """End the worker, whatever it is doing."""
        ...


W = TypeVar("W", bound=Worker)


class Roster(ABC, Generic[W]):
    """Workers that each hold the model, or are about to.

    Args:
        workers: how many.

    Raises:
        UserError: the model cannot be loaded, or nobody is there to load it.
    """

    gather_s: float | None = None
    """Seconds that the first worker waits for the others; ``None``: until all are ready."""

    nobody_s: float | None = None
    """Seconds after which a pool without a single worker gives up; ``None``: never."""

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise UserError(f"launcher.workers is at least 1; found {workers}.")
        self._workers: list[W] = []
        self._loading: set[int] = set()
        self._strikes: Counter[int] = Counter()
        self._description: ModelDescription | None = None
        try:
            for number in range(workers):
                self._workers.append(self._start(number))
                self._loading.add(number)
            self._gather(self.gather_s)
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def _start(self, number: int) -> W:
        """Start worker ``number``, without waiting until its model is loaded."""

    @abstractmethod
    def _answered(self, numbers: Sequence[int], patience_s: float | None) -> Sequence[int]:
        """Those of the workers that have an answer or are gone; waits for the first."""

    @property
    def description(self) -> ModelDescription:
        """What was loaded, and where; the same for all workers."""
        assert self._description is not None
        return self._description

    @property
    def absent(self) -> int:
        """How many workers have yet to come."""
        return len(self._loading)

    def _ready(self) -> list[int]:
        """Numbers of the workers that have loaded the model."""
        return [number for number in range(len(self._workers)) if number not in self._loading]

    def _gather(self, others_s: float | None) -> None:
        """Wait for the first worker, and from then on ``others_s`` for the others."""
        while self._loading and not self._ready():
            self._hear_all(self._answered([*self._loading], self.nobody_s))
        since = time.monotonic()
        while self._loading:
            left = None if others_s is None else max(0.0, since + others_s - time.monotonic())
            answered = self._answered([*self._loading], left)
            if not answered:
                return
            self._hear_all(answered)

    def _hear_all(self, numbers: Sequence[int]) -> None:
        """Take in what loading workers say.

        Raises:
            UserError: ``numbers`` is empty, because nobody came in time.
        """
        if not numbers:
            patience = duration_text(self.nobody_s or 0)
            raise UserError(
                f"No worker has been there for {patience}: nothing has room for one. Look at what "
                "runs on the cluster, or ask it for less; then go on with dato-search resume."
            )
        for number in numbers:
            self._hear(number)

    def _hear(self, number: int) -> None:
        """Take in what a loading worker says.

        Raises:
            UserError: it cannot load the model, or has loaded another one.
        """
        try:
            answer = self._workers[number].receive()
        except WorkerDied as death:
            self._strikes[number] += 1
            if self._strikes[number] == STRIKES:
                raise UserError(
                    f"{death} It was loading the model, and so were {STRIKES - 1} before it."
                ) from None
            self._restart(number)
            return
        if isinstance(answer, Failed):
            raise as_exception(answer)
        assert isinstance(answer, Ready)
        self._admit(answer)
        self._loading.discard(number)
        del self._strikes[number]

    def _admit(self, ready: Ready) -> None:
        """Trials are paired: one that ran elsewhere or on other weights would not compare."""
        self._description = self._description or ready.description
        found = self._description.differences(ready.description)
        if found:
            raise UserError(
                f"The workers differ ({'; '.join(found)}), so that their images would not compare. "
                "Give every machine the same model and restrict the study to like devices: on Ray "
                "by launcher.accelerator, on Slurm by launcher.job.constraint."
            )

    def _restart(self, number: int) -> None:
        """Put a new worker in the place of one, without waiting for it."""
        self._workers[number].stop()
        self._workers[number] = self._start(number)
        self._loading.add(number)

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.stop()
        self._workers = []
        self._loading = set()
