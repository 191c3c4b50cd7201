"""Ends a study with one sentence if its disk is full, read-only or gone. Its trials are kept."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from optuna.exceptions import StorageInternalError

from search.errors import UserError
from search.records.folder import StudyFolder

UNWRITABLE = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM,
}  # fmt: skip


@contextmanager
def writable(folder: StudyFolder) -> Iterator[None]:
    """Turn errors of writing the study, inside the block, into one sentence.

    Raises:
        UserError: its disk is full or failed, or its folder was deleted.
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
        reason = _reason(error)
        if reason is None:
            raise
        raise UserError(
            f"Cannot write the study in {str(folder.root)!r} ({reason}). {_remedy(folder)}"
        ) from error


def _remedy(folder: StudyFolder) -> str:
    if not folder.config.is_file():
        return "The study had not begun, so nothing was kept. Make room, then start it again."
    return f"Every finished trial is kept. Make room, then go on with: {folder.go_on}"


def _reason(error: Exception) -> str | None:
    if isinstance(error, StorageInternalError):
        return str(error.__cause__ or error).splitlines()[0]
    if isinstance(error, OSError) and error.errno in UNWRITABLE:
        return os.strerror(error.errno)
    return None
