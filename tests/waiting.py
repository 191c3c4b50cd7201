"""Waits for something that a test can see, and no longer than it takes."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(
    condition: Callable[[], object],
    what: str,
    patience_s: float = 60,
    log: Callable[[], str] = str,
) -> None:
    """Wait until ``condition`` holds.

    Args:
        what: it says, for the failure; ``log``: what else a person wants to read then.
    """
    end = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end, f"not within {patience_s:g} s: {what}\n{log()}"
        time.sleep(0.1)
