"""One worker process and the driver's end of its pipe."""

from __future__ import annotations

import multiprocessing
import os
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Self

from search.model.loading import ModelConfig
from search.model.workload import Workload
from search.workers.messages import Answer, Begun, Order
from search.workers.serving import serve
from search.workers.worker import WorkerDied

PATIENCE_S = 5.0


@dataclass
class WorkerProcess:
    """A spawned process. Only the driver holds the other end of its pipe, so the worker reads an
    end of file however the driver dies."""

    process: SpawnProcess
    connection: Connection[Any, Any]
    begun: bool = False
    """Whether it has begun the order that it was sent last."""

    @classmethod
    def start(
        cls, name: str, model: ModelConfig, search: Workload, heldout: Workload | None
    ) -> Self:
        """Start a worker, without waiting until its model is loaded."""
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=serve, args=(theirs, os.getpid(), model, search, heldout), name=name, daemon=True
        )
        process.start()
        theirs.close()
        return cls(process, ours)

    def send(self, order: Order) -> bool:
        """Whether the worker was there to take the order."""
        self.begun = False
        try:
            self.connection.send(order)
        except OSError:
            return False
        return True

    def receive(self) -> Answer:
        """The next answer.

        Raises:
            WorkerDied: there will be none.
        """
        try:
            answer: Answer = self.connection.recv()
            self.begun = isinstance(answer, Begun)
            return answer
        except (EOFError, OSError):
            self.process.join(PATIENCE_S)
            raise WorkerDied(
                f"A worker process ended unexpectedly (exit code {self.process.exitcode}; -9 often "
                "means that the machine ran out of memory).",
                self.begun,
            ) from None

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.connection.close()
        self.process.terminate()
        self.process.join(PATIENCE_S)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
        self.process.close()
