"""Runs a study's trials in Slurm jobs, or in processes of this machine instead.

The jobs share the study's storage; this process only counts the trials that they record. A job that
dies, or that Slurm ends because its time is up, is replaced as long as the budget lasts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from search.jobs.jobs import Jobs
from search.records.folder import StudyFolder
from search.records.record import TrialRecord
from search.settings import Config
from search.study.budget import Budget, Spent
from search.study.search_loop import Driver
from search.study.trial_records import Records
from search.study.watching import SweepWatcher

POLL_S = 1.0

RENEW_S = 60.0
"""Seconds after the last submission before jobs are replaced while others work. So a job that dies
as soon as it starts, on a broken node for example, does not keep the cluster busy."""


def run_jobs(
    config: Config, folder: StudyFolder, driver: Driver, watcher: SweepWatcher
) -> Iterator[TrialRecord]:
    """Run jobs until the study's trials have used its budget; yield the trials that they record.

    Jobs that ended are replaced if a trial was recorded since the last submission.

    Args:
        driver: of this process. The study's first trials are enqueued.

    Raises:
        UserError: submitit or Slurm is missing, Slurm refuses the jobs, or all ended and recorded
            no trial.
    """
    budget, records = Budget.of(config.budget), Records(driver.study)
    read = partial(driver.others.with_retries, records.read)
    seen = {record.number for record in read()}
    if budget.ended(read()):
        return
    count = config.launcher.workers or 1
    jobs, counted, ended = Jobs(config, folder), -1, [*range(count)]
    try:
        while True:
            yield from _news(read(), seen)
            over, trials = budget.ended(read()), Spent.by(read()).trials
            if over and len(ended) == count:
                return
            if over:
                jobs.forget_waiting()
            elif ended and trials > counted and (len(ended) == count or jobs.age_s > RENEW_S):
                counted, logs = trials, jobs.submit(ended)
                watcher.stage(f"searching in {len(ended)} job(s), which write to {logs}")
            elif len(ended) == count:
                raise jobs.failure()
            time.sleep(POLL_S)
            ended = jobs.ended()
    except BaseException:
        jobs.cancel()
        raise


def _news(records: tuple[TrialRecord, ...], seen: set[int]) -> Iterator[TrialRecord]:
    """The records that were not seen before; they are marked as seen."""
    for record in records:
        if record.number not in seen:
            seen.add(record.number)
            yield record
