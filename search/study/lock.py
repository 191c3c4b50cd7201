"""One driver for a study: an advisory lock that the operating system drops if its holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from search.errors import UserError
from search.records.folder import StudyFolder


@contextmanager
def study_lock(folder: StudyFolder) -> Iterator[None]:
    """Hold the study for this process.

    Raises:
        UserError: another process holds it.
    """
    handle = os.open(folder.root / "driver.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise UserError(
            f"Another process is running the study in {str(folder.root)!r}. "
            "Wait for it or stop it first."
        ) from None
    try:
        yield
    finally:
        os.close(handle)
