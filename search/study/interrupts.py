"""Ctrl-C and SIGTERM wait while the storage is written, and so never stop it halfway through."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STOPS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back until the block has ended, then deliver the first.

    Optuna's journal takes and releases a lock file around each write. A KeyboardInterrupt inside
    its release makes it release twice, which fails with FileNotFoundError. A server's connection
    that is left in the middle of a statement fails with an error of its own.
    Signals reach the main thread only; elsewhere there is nothing to hold back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    previous = {
        number: signal.signal(number, lambda number, _: held.append(number)) for number in STOPS
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if held:
        signal.raise_signal(held[0])
