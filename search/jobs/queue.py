"""Which jobs have not ended, from Slurm's queue: every cluster has one, and it answers at once. Its
accounts (``sacct``) answer later, or never, because a cluster need not keep them.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

ASK_S = 10.0
"""Seconds between two questions to the queue: its controller serves the whole cluster."""

ANSWER_S = 60.0
"""Seconds after which a tool of Slurm's counts as not answering."""


@dataclass
class SlurmQueue:
    """This user's waiting and running jobs, from the controller's last answer."""

    _asked: float = float("-inf")
    _jobs: frozenset[str] | None = field(default=None)

    def holds(self, job: str) -> bool:
        """Whether a job waits or runs. While the controller does not answer, all do.

        Args:
            job: its number, with ``_INDEX`` within an array. It must have been submitted before
                the first question.
        """
        if time.monotonic() - self._asked > ASK_S:
            self._jobs = queued()
            self._asked = time.monotonic()
        return self._jobs is None or job in self._jobs


def queued() -> frozenset[str] | None:
    """All waiting and running jobs of this user; ``None`` if the controller does not answer."""
    options = ["--noheader", "--array", "--format=%i", f"--user={os.getuid()}"]
    # Variables of the user's own could hide jobs from the list.
    environment = {name: text for name, text in os.environ.items() if "SQUEUE_" not in name}
    try:
        done = subprocess.run(
            ["squeue", *options], env=environment, capture_output=True, text=True, timeout=ANSWER_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return frozenset(done.stdout.split()) if done.returncode == 0 else None


def cancel(jobs: Sequence[str], *options: str) -> None:
    """Cancel jobs, or those of them that ``options`` select. Jobs that have ended are no error."""
    if jobs:
        subprocess.run(["scancel", *options, *jobs], capture_output=True, timeout=ANSWER_S)
