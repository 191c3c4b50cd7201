"""A study's trials in Slurm jobs, or in their stead in processes of this machine.

The jobs meet in the study's storage; this process only counts what they tell. A job that dies, or
that Slurm ends in time, is replaced as long as the budget lasts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from search.launch.slurm.jobs import Jobs
from search.launch.watching import SweepWatcher
from search.records.folder import StudyFolder
from search.records.record import TrialRecord
from search.settings import Config
from search.study.budget import Budget, Spent
from search.study.search_loop import Driver
from search.study.trial_records import Records

POLL_S = 1.0

RENEW_S = 60.0
"""Jobs are replaced this long after the last submission, while others work: one that dies as soon
as it starts, on a broken node for example, shall not keep the cluster busy."""


def run_jobs(
    config: Config, folder: StudyFolder, driver: Driver, watcher: SweepWatcher
) -> Iterator[TrialRecord]:
    """Run jobs until the study's trials have used its budget, yielding what they tell.

    Jobs that ended are replaced once a trial was told since the last submission.

    Args:
        driver: of this process, whose study has its first trials enqueued.

    Raises:
        UserError: submitit or Slurm is missing, Slurm refuses the jobs, or all ended without a
            single trial.
    """
    budget, records = Budget.of(config.budget), Records(driver.study)
    read = partial(driver.others.with_retries, records.read)
    seen = {record.number for record in read()}
    if budget.ended(read()):
        return
    count = config.launcher.workers or 1
    jobs, told, ended = Jobs(config, folder), -1, [*range(count)]
    try:
        while True:
            yield from _news(read(), seen)
            over, trials = budget.ended(read()), Spent.by(read()).trials
            if over and len(ended) == count:
                return
            if over:
                jobs.forget_waiting()
            elif ended and trials > told and (len(ended) == count or jobs.age_s > RENEW_S):
                told, logs = trials, jobs.submit(ended)
                watcher.stage(f"searching in {len(ended)} job(s), which write to {logs}")
            elif len(ended) == count:
                raise jobs.failure()
            time.sleep(POLL_S)
            ended = jobs.ended()
    except BaseException:
        jobs.cancel()
        raise


def _news(records: tuple[TrialRecord, ...], seen: set[int]) -> Iterator[TrialRecord]:
    """Those that were not seen before; now they are."""
    for record in records:
        if record.number not in seen:
            seen.add(record.number)
            yield record
