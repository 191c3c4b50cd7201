"""One of several jobs: it runs trials of a study until the budget or the job's time is used up."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from search.errors import UserError
from search.preparation.open_driver import open_driver
from search.preparation.open_instruments import open_instruments
from search.records.folder import StudyFolder
from search.settings.compose import load_config
from search.study.budget import Budget
from search.study.watching import PlainStages

WARNINGS = (signal.SIGTERM, signal.SIGUSR2)
"""Signals that a job gets some time before it is killed. Slurm sends the first when the job is
cancelled or must make room; submitit asks Slurm for the second before the job's minutes are up."""


def run_job(root: str, worker: int) -> str:
    """Run trials of a study until its budget is used. Once warned, the job ends its trial if there
    is time, and begins no other.

    Returns:
        why it recorded no trial, or nothing.
    """
    try:
        folder = StudyFolder.open(Path(root))
        config = load_config(folder.config)
        with _warnings() as warned, open_instruments(config, folder, PlainStages()) as instruments:
            trials = open_driver(instruments, worker).run(Budget.of(config.budget))
            if warned:
                return "it had to end before its first trial; raise launcher.job.minutes"
            while not warned and (record := next(trials, None)) is not None:
                print(f"trial {record.number} {record.state} {record.reason}", flush=True)
    except UserError as error:
        return str(error)
    return ""


@contextmanager
def _warnings() -> Iterator[Sequence[int]]:
    """The warnings that the job has received so far. They replace submitit's own reactions, which
    ignore the first signal and break off the trial at the second."""
    warned: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        warned.append(number)

    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        yield warned  # not a job but the user's own process (executor=debug), which they may end
        return
    previous = {number: signal.signal(number, hear) for number in WARNINGS}
    try:
        yield warned
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
