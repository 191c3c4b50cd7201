"""Worker processes on this machine, one CPU thread each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import wait

import torch

from search.model.loading import ModelConfig
from search.model.workload import Workload
from search.workers.process import WorkerProcess
from search.workers.worker_pool import WorkerPool


class LocalPool(WorkerPool[WorkerProcess]):
    """Hands chunks out to worker processes.

    Args:
        model: loaded once by each worker. Several GPUs share the workers evenly.
        search, heldout, workers, timeout_s: see :class:`.worker_pool.WorkerPool`.
    """

    def __init__(
        self,
        model: ModelConfig,
        search: Workload,
        heldout: Workload | None,
        workers: int,
        timeout_s: float | None = None,
    ) -> None:
        self._model = model
        super().__init__(model.batch_size, search, heldout, workers, timeout_s)

    @property
    def processes(self) -> tuple[int, ...]:
        """Process ids of the workers."""
        return tuple(worker.process.pid or 0 for worker in self._workers)

    def _start(self, number: int) -> WorkerProcess:
        count = torch.cuda.device_count()
        model = self._model
        if model.device == "cuda" and count > 1:
            model = replace(model, device=f"cuda:{number % count}")
        return WorkerProcess.start(f"worker-{number}", model, self._search, self._heldout)

    def _answered(self, numbers: Sequence[int], patience_s: float | None) -> Sequence[int]:
        connections = [self._workers[number].connection for number in numbers]
        ready = wait(connections, patience_s)
        pairs = zip(numbers, connections, strict=True)
        return [number for number, connection in pairs if connection in ready]
