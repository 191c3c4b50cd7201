"""Reads text files that may come from strangers, whole and within a limit.

The size is checked before anything is parsed, so a hostile file costs bounded time and memory.
"""

from __future__ import annotations

import codecs
import stat
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from search.errors import UserError

File = TypeVar("File", bound=BaseModel)
SMALL, LARGE, HUGE = 1_000_000, 100_000_000, 1_000_000_000
"""Most bytes of a configuration, of a table of trials or prompts, and of a storage."""


_OTHER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
"""Byte-order marks of encodings that are not read. The longer ones begin like the shorter."""


def read_text(path: Path, remedy: str, limit: int = SMALL) -> str:
    """The UTF-8 text of an ordinary file, without the byte-order mark that some editors write.

    Args:
        remedy: a sentence that says what to do about a file that cannot be read.
        limit: the most bytes that the file may have.

    Raises:
        UserError: the file is missing, unreadable, no ordinary file, too large or not UTF-8.
    """
    try:
        check_file(path, remedy, limit)
        with path.open("rb") as file:
            return _decoded(file.read(limit))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, remedy) from error


def read_model(path: Path, kind: type[File], remedy: str) -> File:
    """The value in a small JSON file of one kind.

    Args:
        kind: a strict model.

    Raises:
        UserError: see :func:`read_text`; or the text is no value of this kind.
    """
    try:
        return kind.model_validate_json(read_text(path, remedy))
    except ValueError as error:
        raise UserError(f"Cannot read {str(path)!r}: it is damaged. {remedy}") from error


def _decoded(data: bytes) -> str:
    for mark, encoding in _OTHER_MARKS.items():
        if data.startswith(mark):
            raise ValueError(f"it is {encoding} text, and UTF-8 is read: save it as UTF-8")
    return data.decode("utf-8-sig")


def lines_of(text: str) -> list[str]:
    """Lines as editors and other tools see them: they end at a line feed, a carriage return or
    both. ``str.splitlines`` would also end them at form feeds and at U+0085, U+2028 and U+2029,
    which stand inside lines."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


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
