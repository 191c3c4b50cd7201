"""A worker process: loads the model once, then generates chunks until its driver is gone."""

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
from search.evaluate.generate import Generator, ModelConfig
from search.evaluate.workload import Workload
from search.launch.pool import SerialPool
from search.launch.pool_messages import Answer, Done, Failed, Ready, Task

WATCH_S = 1.0


def serve(
    connection: Connection[Any, Any],
    driver: int,
    model: ModelConfig,
    search: Workload,
    heldout: Workload | None,
) -> None:
    """Answer tasks from ``connection`` until it closes.

    Ctrl-C in a terminal reaches every process of the group; only the driver reacts to it.
    SIGTERM ends the interpreter in order, so that named semaphores are given back.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    torch.set_num_threads(1)
    threading.Thread(target=_end_with, args=(driver,), daemon=True).start()
    pools: list[SerialPool] = []

    def load() -> Answer:
        pools.append(SerialPool(Generator(model, search), heldout))
        return Ready()

    try:
        connection.send(_answer(load))
        while pools:
            task: Task = connection.recv()
            connection.send(_answer(partial(_run, pools[0], task)))
    except (EOFError, OSError):
        return


def _run(pool: SerialPool, task: Task) -> Answer:
    return Done.pack(pool.generator(task.heldout).chunk(task.schedule, task.chunk))


def _answer(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except TrialError as error:
        return Failed("trial", str(error))
    except UserError as error:
        return Failed("user", str(error))
    except Exception:
        return Failed("code", traceback.format_exc())


def _end_with(driver: int) -> None:
    """End this process within a second of the driver's end, even in the middle of a chunk."""
    while os.getppid() == driver:
        time.sleep(WATCH_S)
    os._exit(1)
