"""Ctrl-C waits while the storage is written, so that it never stops halfway through a line."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold SIGINT back until the block has ended, then deliver it.

    Optuna's journal takes and releases a lock file around each write. A KeyboardInterrupt inside
    its release makes it release twice, which fails with FileNotFoundError. A server's connection
    that is left in the middle of a statement fails with an error of its own.
    Signals reach the main thread only; elsewhere there is nothing to hold back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[tuple[int, FrameType | None]] = []
    previous = signal.signal(signal.SIGINT, lambda number, frame: held.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if held and callable(previous):
        previous(*held[0])
