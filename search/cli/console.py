"""Where tables are printed."""

from __future__ import annotations

import sys

from rich.console import Console


def wide_console() -> Console:
    """A console of the terminal's width, or wide enough for a table if there is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 130)
