"""What a command says and returns after Ctrl-C."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""Exit code of a command that was interrupted."""


def interrupted(kept: str) -> int:
    """Say on standard error that the command stopped and what was kept; the exit code."""
    print(f"\nStopped; {kept}", file=sys.stderr)
    return INTERRUPTED
