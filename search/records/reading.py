"""Reads text files that may come from strangers, whole and within a limit.

The size is checked before anything is parsed, so a hostile file costs bounded time and memory.
"""

from __future__ import annotations

import stat
from pathlib import Path

from search.errors import UserError

SMALL, LARGE, HUGE = 1_000_000, 100_000_000, 1_000_000_000
"""Most bytes of a configuration, of a table of trials or prompts, and of a storage."""


def read_text(path: Path, remedy: str, limit: int = SMALL) -> str:
    """The UTF-8 text of an ordinary file.

    Args:
        remedy: a sentence that says what to do about a file that cannot be read.
        limit: the most bytes that the file may have.

    Raises:
        UserError: the file is missing, unreadable, no ordinary file, too large or not UTF-8.
    """
    try:
        check_file(path, remedy, limit)
        with path.open("rb") as file:
            return file.read(limit).decode("utf-8")
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, remedy) from error


def check_file(path: Path, remedy: str, limit: int) -> None:
    """Refuse what is no ordinary file of at most ``limit`` bytes.

    Raises:
        UserError: see :func:`read_text`.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, remedy) from error
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"Cannot read {str(path)!r}: it is no ordinary file. {remedy}")
    if status.st_size > limit:
        raise UserError(
            f"Cannot read {str(path)!r}: it has {status.st_size:,} bytes, and at most {limit:,} "
            f"are read. {remedy}"
        )


def _unreadable(path: Path, error: OSError | ValueError, remedy: str) -> UserError:
    reason = error.strerror if isinstance(error, OSError) else error
    return UserError(f"Cannot read {str(path)!r}: {reason}. {remedy}".rstrip())
