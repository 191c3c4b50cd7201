"""Ends a study with one sentence if its disk is full, read-only or gone. Its trials are kept."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optuna.exceptions import StorageInternalError

from search.errors import FULL, UserError
from search.records.folder import StudyFolder

READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
UNWRITABLE = FULL | READ_ONLY | {errno.EIO}


@contextmanager
def writable(folder: StudyFolder) -> Iterator[None]:
    """Turn errors of writing the study, inside the block, into one sentence.

    Raises:
        UserError: its disk is full, read-only or failed, or its folder was deleted.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if not folder.root.is_dir():
            raise UserError(
                f"The study folder {str(folder.root)!r} was deleted or unmounted while the study "
                "ran. Bring it back and resume it, or start a new sweep."
            ) from error
        reason = _reason(error, folder)
        if reason is None:
            raise
        raise UserError(
            f"Cannot write the study in {str(folder.root)!r} ({reason}). "
            f"{_remedy(folder, _is_read_only(error))}"
        ) from error


def _remedy(folder: StudyFolder, read_only: bool) -> str:
    if not folder.config.is_file():
        room = "Make it writable" if read_only else "Make room"
        return f"The study had not begun, so nothing was kept. {room}, then start it again."
    if read_only:
        return (
            "Make it writable, or copy it to where you can write, then go on with the copy as "
            f"with: {folder.go_on}"
        )
    return f"Every finished trial is kept. Make room, then go on with: {folder.go_on}"


def _is_read_only(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in READ_ONLY
    return "readonly" in str(error.__cause__ or error)  # SQLite's word


def _reason(error: Exception, folder: StudyFolder) -> str | None:
    """Why the study cannot be written; ``None`` for any other error, also of another place."""
    if isinstance(error, StorageInternalError):
        return str(error.__cause__ or error).splitlines()[0]
    if isinstance(error, OSError) and error.errno in UNWRITABLE and _inside(error, folder):
        return os.strerror(error.errno)
    return None


def _inside(error: OSError, folder: StudyFolder) -> bool:
    """Whether an error is of a file of the study, or names none, as those of a full disk do."""
    if error.filename is None:
        return True
    path = Path(os.fsdecode(error.filename)).absolute()
    return path == folder.root.absolute() or folder.root.absolute() in path.parents
