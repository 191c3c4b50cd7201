"""One driver for a study: an advisory lock that the operating system drops if its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from search.errors import UserError
from search.records.folder import StudyFolder


@contextmanager
def study_lock(folder: StudyFolder) -> Iterator[None]:
    """Hold the study for this process. The lock's file stays only where there is a study.

    Raises:
        UserError: another process holds it.
    """
    path = folder.root / "driver.lock"
    handle = _hold(path)
    if handle is None:
        raise UserError(
            f"Another process is running the study in {str(folder.root)!r}. "
            "Wait for it or stop it first."
        )
    try:
        yield
    finally:
        if not folder.config.is_file():
            path.unlink(missing_ok=True)
        os.close(handle)


def _hold(path: Path) -> int | None:
    """The locked file, or ``None`` where another process holds it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        if os.fstat(handle).st_nlink:
            return handle
        os.close(handle)  # its last holder has removed it meanwhile
