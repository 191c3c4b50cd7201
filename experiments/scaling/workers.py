"""Workers that sleep instead of denoising: a batch of known duration, whatever the machine."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np

from search.model.cost_setting import Place, Work
from search.model.description import ModelDescription
from search.model.workload import Workload
from search.workers.messages import Done, Ready
from search.workers.process import WorkerProcess
from search.workers.worker_pool import WorkerPool

SIZE = 64
"""Height and width of the images that are sent back; latents are half of that."""

DESCRIPTION = ModelDescription(
    Work(
        model="none",
        architecture=f"sha256:{0:064}",
        skip_branches=1,
        layers=(),
        latent_size=(SIZE // 2, SIZE // 2),
        image_size=(SIZE, SIZE),
        guided=False,
        scheduler="none",
        calls=1,
    ),
    Place(device="a clock", dtype="float32", batch_size=1, timer="process_time"),
    fingerprint="none",
)


class SleepingPool(WorkerPool[WorkerProcess]):
    """The search's own dealing loop, processes and messages; one image a batch.

    Args:
        images: of the workload.
        workers: processes.
        seconds: that each batch takes.
    """

    def __init__(self, images: int, workers: int, seconds: float) -> None:
        self._seconds = seconds
        super().__init__(1, Workload(("",) * images, 0), None, workers)

    def _start(self, number: int) -> WorkerProcess:
        context: Any = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        process = context.Process(target=_sleep, args=(theirs, self._seconds), daemon=True)
        process.start()
        theirs.close()
        return WorkerProcess(process, ours)

    def _answered(self, numbers: Sequence[int], patience_s: float | None) -> Sequence[int]:
        connections = [self._workers[number].connection for number in numbers]
        ready = wait(connections, patience_s)
        pairs = zip(numbers, connections, strict=True)
        return [number for number, connection in pairs if connection in ready]


def _sleep(connection: Connection[Any, Any], seconds: float) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pixels = np.zeros((1, 3, SIZE, SIZE), dtype=np.uint8)
    latents = np.zeros((1, 4, SIZE // 2, SIZE // 2), dtype=np.float32)
    try:
        connection.send(Ready(DESCRIPTION))
        while True:
            connection.recv()
            time.sleep(seconds)
            connection.send(Done(pixels, latents, seconds))
    except (EOFError, OSError):
        return
