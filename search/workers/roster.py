"""The workers of a pool: which are ready, which still load the model, which replace dead ones."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from typing import Generic, TypeVar

from search.errors import RESUME, UserError
from search.model.description import ModelDescription
from search.settings.duration import duration_text
from search.workers.messages import Failed, Ready, as_exception
from search.workers.worker import Worker, WorkerDied

STRIKES = 3
"""Deaths in a row before the model is loaded, at one worker, that end the study."""


W = TypeVar("W", bound=Worker)


class Roster(ABC, Generic[W]):
    """Workers that each hold the model or are loading it.

    Args:
        workers: how many.

    Raises:
        UserError: the model cannot be loaded, or no worker starts.
    """

    gather_s: float | None = None
    """Seconds that the first ready worker waits for the others; ``None`` waits for all."""

    nobody_s: float | None = None
    """Seconds after which a pool without a single worker gives up; ``None`` waits for ever."""

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise UserError(f"launcher.workers={workers} is too small. Take at least 1.")
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
        """Wait for the first of these workers, and return those that have answered or died."""

    @property
    def description(self) -> ModelDescription:
        """What was loaded, and where. It is the same for all workers."""
        assert self._description is not None
        return self._description

    @property
    def absent(self) -> int:
        """How many workers have not started yet."""
        return len(self._loading)

    def _ready(self) -> list[int]:
        """Numbers of the workers that have loaded the model."""
        return [number for number in range(len(self._workers)) if number not in self._loading]

    def _gather(self, others_s: float | None) -> None:
        """Wait for the first worker, then for ``others_s`` seconds for the others."""
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
        """Receive from loading workers.

        Raises:
            UserError: ``numbers`` is empty, because no worker started in time.
        """
        if not numbers:
            patience = duration_text(self.nobody_s or 0)
            raise UserError(
                f"No worker has started for {patience}, because the cluster has no room for one. "
                f"Look at what runs there, or ask for less; then go on with {RESUME}."
            )
        for number in numbers:
            self._hear(number)

    def _hear(self, number: int) -> None:
        """Receive from a loading worker.

        Raises:
            UserError: it cannot load the model, or has loaded another one than the others.
        """
        try:
            answer = self._workers[number].receive()
        except WorkerDied as death:
            self._strikes[number] += 1
            if self._strikes[number] == STRIKES:
                raise UserError(
                    f"{death} It was loading the model, like the {STRIKES - 1} that died before "
                    "it. Look at the memory of its machine, then start again."
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
        """Admit a worker that runs the same weights on the same type of device as the others:
        trials of others would not compare."""
        self._description = self._description or ready.description
        unlike = self._description.differences(ready.description)
        if unlike:
            raise UserError(
                f"The workers differ ({'; '.join(unlike)}), so their images would not compare. "
                "Give every machine the same model, and restrict the study to devices of one type: "
                "on Ray by launcher.accelerator, on Slurm by launcher.job.constraint."
            )

    def _restart(self, number: int) -> None:
        """Replace a worker, without waiting for the new one."""
        self._workers[number].stop()
        self._workers[number] = self._start(number)
        self._loading.add(number)

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.stop()
        self._workers = []
        self._loading = set()
