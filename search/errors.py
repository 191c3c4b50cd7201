"""Errors that are the user's to fix: printed as one sentence, exit code 2, no traceback."""

from __future__ import annotations

import errno
from collections.abc import Sequence

UNUSABLE = frozenset(
    {
        errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO,
        errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP,
    }
)  # fmt: skip
"""Numbers of the operating system's errors that say that a path cannot be used as it is."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Those of them that say that there is no room."""


class UserError(Exception):
    """A mistake in what was asked for. The message says the fault with its value, then a remedy."""


class ConfigError(UserError):
    """A configuration with one or more mistakes, all reported at once.

    Args:
        headline: what cannot be done, as a sentence without its full stop.
        problems: one for each mistake: fault with value, then remedy.
    """

    def __init__(self, headline: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        if len(self.problems) == 1:
            super().__init__(f"{headline}: {self.problems[0]}")
            return
        lines = "".join(f"\n  - {problem}" for problem in self.problems)
        super().__init__(f"{headline}, for {len(self.problems)} reasons:{lines}")


class TrialError(Exception):
    """A schedule that cannot be scored (NaN images, out of memory): the trial is told FAIL."""


RESUME = "dato-search resume FOLDER"
"""What an error advises that does not know its study. The command line puts the folder in, or
``the same command`` where there is no study to go on with."""
