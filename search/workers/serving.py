"""A worker process: it loads the model once, then generates chunks until its driver ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import torch

from search.errors import TrialError, UserError
from search.model.base_sampler import based
from search.model.generator import Generator
from search.model.loading import ModelConfig
from search.model.workload import Workload
from search.workers.messages import (
    Answer,
    Begun,
    Done,
    Failed,
    Found,
    Measurement,
    Order,
    Ready,
)
from search.workers.pool import SerialPool

WATCH_S = 1.0


def serve(
    connection: Connection[Any, Any],
    driver: int,
    model: ModelConfig,
    search: Workload,
    heldout: Workload | None,
) -> None:
    """Answer orders from ``connection`` until it closes.

    Ctrl-C in a terminal reaches every process of the group, and only the driver reacts to it.
    SIGTERM ends the interpreter in the regular way, so that named semaphores are released.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    threading.Thread(target=_end_with, args=(driver,), daemon=True).start()
    server = Server(model, search, heldout)
    try:
        connection.send(server.load())
        while server.loaded:
            order = connection.recv()
            connection.send(Begun())
            connection.send(server.run(order))
    except (EOFError, OSError):
        return
    finally:  # the driver's SIGTERM may still come while the interpreter ends
        signal.signal(signal.SIGTERM, signal.SIG_IGN)


class Server:
    """Answers orders. Every error becomes an answer.

    Args:
        model, search, heldout: see :class:`~search.workers.local_pool.LocalPool`.
    """

    def __init__(self, model: ModelConfig, search: Workload, heldout: Workload | None) -> None:
        self._parts = model, search, heldout
        self._pool: SerialPool | None = None

    @property
    def loaded(self) -> bool:
        """Whether there is a model to run."""
        return self._pool is not None

    def pid(self) -> int:
        """This process."""
        return os.getpid()

    def load(self) -> Answer:
        """Load the model, once for all trials."""
        return answered(self._load)

    def run(self, order: Order) -> Answer:
        """One chunk of images, or the result of a measurement."""
        return answered(partial(self._run, order))

    def _load(self) -> Answer:
        model, search, heldout = self._parts
        torch.set_num_threads(1)
        self._pool = SerialPool(Generator(model, search), heldout)
        return Ready(self._pool.description)

    def _run(self, order: Order) -> Answer:
        assert self._pool is not None
        if isinstance(order, Measurement):
            return Found(self._pool.measure(order.work))
        task = order
        with based(self._pool.generator(task.heldout), task.run.base) as generator:
            return Done.pack(generator.chunk(task.run.schedule, task.chunk))


def answered(work: Callable[[], Answer]) -> Answer:
    """The answer that ``work`` returns, or its error as an answer."""
    try:
        return work()
    except TrialError as error:
        return Failed("trial", str(error))
    except UserError as error:
        return Failed("user", str(error))
    except Exception:
        return Failed("code", traceback.format_exc())


def _end_with(driver: int) -> None:
    """End this process within a second after the driver ended, even in the middle of a chunk."""
    while os.getppid() == driver:
        time.sleep(WATCH_S)
    os._exit(1)
