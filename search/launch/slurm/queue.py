"""What Slurm itself says of jobs. Its queue tells at once, and on every cluster, which have not
ended; its accounts (``sacct``) tell it later, or never: a cluster need not keep them.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

ASK_S = 10.0
"""The queue is asked so often: the controller serves the whole cluster."""

ANSWER_S = 60.0
"""A tool that has not ended by then is taken for one without an answer."""


@dataclass
class SlurmQueue:
    """This user's jobs that wait or run, as the controller last told."""

    _asked: float = float("-inf")
    _jobs: frozenset[str] | None = field(default=None)

    def holds(self, job: str) -> bool:
        """Whether a job has not ended; so it is taken while the controller does not answer.

        Args:
            job: its number, with ``_INDEX`` within an array. It was submitted before this queue
                was first asked.
        """
        if time.monotonic() - self._asked > ASK_S:
            self._jobs = queued()
            self._asked = time.monotonic()
        return self._jobs is None or job in self._jobs


def queued() -> frozenset[str] | None:
    """All jobs of this user that have not ended; ``None`` where the controller does not answer."""
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
    """Cancel jobs, by ``options`` only some of them; those that have ended are no error."""
    if jobs:
        subprocess.run(["scancel", *options, *jobs], capture_output=True, timeout=ANSWER_S)
