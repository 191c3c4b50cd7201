"""Jobs that run a study's trials on Slurm, or in its stead on this machine. The one file that
imports submitit.

The jobs meet in the study's storage; this process only counts what they tell. A job that dies,
or that Slurm ends in time, is replaced as long as the budget lasts.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from search.compose import load_config
from search.errors import UserError
from search.folder import StudyFolder
from search.launch.bench import open_bench
from search.launch.driving import open_driver
from search.launch.view import Lines, View
from search.record import TrialRecord
from search.settings import Config
from search.space import load_space
from search.study.budget import Budget, Spent
from search.study.driver import Driver
from search.study.records import Records

POLL_S = 1.0


def run_jobs(
    config: Config, folder: StudyFolder, driver: Driver, view: View
) -> Iterator[TrialRecord]:
    """Run jobs until the study's trials have used its budget, yielding what they tell.

    Args:
        driver: of this process, whose study has its first trials enqueued.

    Raises:
        UserError: submitit or Slurm is missing, or jobs end without a single trial.
    """
    budget, records = Budget.of(config.budget), Records(driver.study)
    read = partial(driver.crew.patiently, records.read)
    seen = {record.number for record in read()}

    def news() -> Iterator[TrialRecord]:
        for record in read():
            if record.number not in seen:
                seen.add(record.number)
                yield record

    count = config.launcher.workers or 1
    while not budget.ended(read()):
        before = Spent.by(read()).trials
        logs = _fresh_folder(folder)
        jobs = _submit(config, folder, logs, count)
        view.stage(f"searching in {count} job(s), which write to {logs}")
        try:
            while any(_runs(config, job) for job in jobs):
                yield from news()
                time.sleep(POLL_S)
        except BaseException:
            for job in jobs:
                with suppress(Exception):
                    job.cancel()
            raise
        yield from news()
        if Spent.by(read()).trials == before:
            raise _failure(jobs, logs)


def work(root: str, worker: int) -> str:
    """What a job does: trials of a study until its budget is used.

    Returns:
        the user's mistake that ended it, or nothing.
    """
    try:
        folder = StudyFolder.open(Path(root))
        config = load_config(folder.config)
        space = load_space(config.space)
        with open_bench(config, folder, Lines()) as bench:
            driver = open_driver(bench, space, worker)
            for record in driver.run(Budget.of(config.budget)):
                print(f"trial {record.number} {record.state} {record.reason}", flush=True)
    except UserError as error:
        return str(error)
    return ""


def _fresh_folder(folder: StudyFolder) -> Path:
    """An empty folder for what jobs say, so that no file of a stranger's is taken for theirs."""
    folder.jobs.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="jobs-", dir=folder.jobs.resolve()))


def _submit(config: Config, folder: StudyFolder, logs: Path, count: int) -> Sequence[Any]:
    try:
        import submitit
    except ModuleNotFoundError as error:
        raise UserError(
            "launcher=slurm needs the package submitit. Install the extra: "
            "pip install 'dato[slurm]'."
        ) from error
    job, launcher = config.launcher.job, config.launcher
    gpus = job.gpus if job.gpus is not None else int(config.model.device.startswith("cuda"))
    try:
        executor = submitit.AutoExecutor(logs, cluster=launcher.executor)
    except RuntimeError as error:
        raise UserError(
            "launcher=slurm found no Slurm on this machine (no srun). Start it where jobs are "
            "submitted, or try it out with launcher.executor=local."
        ) from error
    executor.update_parameters(
        name=config.study.name,
        timeout_min=job.minutes,
        cpus_per_task=job.cpus,
        gpus_per_node=gpus,
        mem_gb=job.mem_gb,
        slurm_partition=job.partition,
        slurm_account=job.account,
        slurm_qos=job.qos,
        slurm_constraint=job.constraint,
    )
    root = str(folder.root.resolve())
    submit: Callable[..., Any] = executor.submit
    with executor.batch():
        return [submit(work, root, worker) for worker in range(count)]


def _runs(config: Config, job: Any) -> bool:
    """Whether a job has not ended; one of the executor ``debug`` is run to its end by this."""
    if config.launcher.executor == "debug":
        job.exception()
        return False
    return not job.done()


def _failure(jobs: Sequence[Any], logs: Path) -> UserError:
    """Why none of the jobs told a trial."""
    reasons = [_reason(job) for job in jobs]
    reason = next(filter(None, reasons), "they ended without a word")
    return UserError(
        f"No job told a trial ({reason}). Their logs are in {str(logs)!r}; once that is mended, go "
        "on with dato-search resume."
    )


def _reason(job: Any) -> str:
    error = job.exception()
    text = str(job.result()) if error is None else str(error)
    return text.strip().splitlines()[-1] if text.strip() else ""
