"""Jobs that run a study's trials on Slurm, or in its stead on this machine. The one file that
imports submitit.

The jobs meet in the study's storage; this process only counts what they tell. When all have died,
or were ended by Slurm in time, new ones follow as long as the budget lasts.
"""

from __future__ import annotations

import io
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from search.errors import UserError
from search.folder import StudyFolder
from search.launch.job import work
from search.launch.slurm_queue import SlurmQueue, cancel
from search.launch.view import View
from search.record import TrialRecord
from search.settings import Config, LauncherSettings
from search.settings.launcher import JobSettings
from search.study.budget import Budget, Spent
from search.study.driver import Driver
from search.study.interrupts import uninterrupted
from search.study.records import Records

POLL_S = 1.0


def run_jobs(
    config: Config, folder: StudyFolder, driver: Driver, view: View
) -> Iterator[TrialRecord]:
    """Run jobs until the study's trials have used its budget, yielding what they tell.

    Args:
        driver: of this process, whose study has its first trials enqueued.

    Raises:
        UserError: submitit or Slurm is missing, Slurm refuses the jobs, or they end without a
            single trial.
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
        jobs = _Jobs((), config.launcher.executor)
        try:
            with uninterrupted():  # between Slurm and this process nobody knows of the jobs
                jobs = _submit(config, folder, logs, count)
            view.stage(f"searching in {count} job(s), which write to {logs}")
            while jobs.at_work():
                yield from news()
                if budget.ended(read()):
                    jobs.forget_waiting()
                time.sleep(POLL_S)
        except BaseException:
            jobs.cancel()
            raise
        yield from news()
        if Spent.by(read()).trials == before:
            raise _failure(jobs, logs)


def _fresh_folder(folder: StudyFolder) -> Path:
    """An empty folder for what jobs say, so that no file of a stranger's is taken for theirs."""
    folder.jobs.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="jobs-", dir=folder.jobs.resolve()))


@dataclass(frozen=True)
class _Jobs:
    """What was submitted at once.

    Args:
        jobs: submitit's.
        executor: how they are run, as ``launcher.executor`` names it.
    """

    jobs: Sequence[Any]
    executor: str
    queue: SlurmQueue = field(default_factory=SlurmQueue)

    def at_work(self) -> bool:
        """Whether one of them has not ended; those of the executor ``debug`` are run by this."""
        return any(self._runs(job) for job in self.jobs)

    def _runs(self, job: Any) -> bool:
        if self.executor == "debug":
            job.exception()
            return False
        if self.executor == "local":
            return not job.done()
        # submitit would ask sacct. Without accounts it waits for a killed job for ever.
        return not _answered(job) and self.queue.holds(job.job_id)

    def forget_waiting(self) -> None:
        """Cancel those that Slurm has not started: it may be hours until they find no work."""
        if self.executor == "slurm":
            cancel([job.job_id for job in self.jobs if not _answered(job)], "--state=PENDING")

    def cancel(self) -> None:
        """Cancel all."""
        for job in self.jobs:
            with suppress(Exception):
                job.cancel()


def _answered(job: Any) -> bool:
    """Whether a job, which is not ``debug``'s, ran to its end and left its answer."""
    return bool(job.paths.result_pickle.exists())


def _submit(config: Config, folder: StudyFolder, logs: Path, count: int) -> _Jobs:
    job, launcher, root = config.launcher.job, config.launcher, str(folder.root.resolve())
    gpus = job.gpus if job.gpus is not None else int(config.model.device.startswith("cuda"))
    executor, refused = _executor(launcher, logs)
    executor.update_parameters(
        # A line of a shell script: of the study's name only what makes a word.
        name=re.sub(r"[^\w.-]+", "-", config.study.name, flags=re.ASCII),
        timeout_min=job.minutes,
        cpus_per_task=job.cpus,
        gpus_per_node=gpus,
        mem_gb=job.mem_gb,
        slurm_partition=job.partition,
        slurm_account=job.account,
        slurm_qos=job.qos,
        slurm_constraint=job.constraint,
    )
    submit: Callable[..., Any] = executor.submit
    try:
        with redirect_stderr(io.StringIO()), executor.batch():  # submitit prints what it raises
            jobs = [submit(work, root, worker) for worker in range(count)]
    except refused as error:
        raise _refusal(job, gpus, str(error)) from error
    return _Jobs(jobs, launcher.executor)


def _executor(launcher: LauncherSettings, logs: Path) -> tuple[Any, type[Exception]]:
    """submitit's executor, and what it raises where Slurm does not take the jobs."""
    try:
        import submitit
        from submitit.core.utils import FailedJobError
    except ModuleNotFoundError as error:
        raise UserError(
            "launcher=slurm needs the package submitit. Install the extra: "
            "pip install 'dato[slurm]'."
        ) from error
    try:
        return submitit.AutoExecutor(logs, cluster=launcher.executor), FailedJobError
    except RuntimeError as error:
        raise UserError(
            "launcher=slurm found no Slurm on this machine (no srun). Start it where jobs are "
            "submitted, or try it out with launcher.executor=local."
        ) from error


def _refusal(job: JobSettings, gpus: int, said: str) -> UserError:
    """Why Slurm took none of the jobs, in its own words."""
    asked = job.model_dump(exclude_none=True) | {"gpus": gpus}
    words = ", ".join(f"{name}={value}" for name, value in asked.items())
    reason = "; ".join(line.removeprefix("sbatch: error: ") for line in said.splitlines())
    return UserError(
        f"Slurm refuses jobs of launcher.job with {words} ({reason}). Ask for what sinfo and "
        "'scontrol show partition' list, then go on with dato-search resume."
    )


def _failure(jobs: _Jobs, logs: Path) -> UserError:
    """Why none of the jobs told a trial."""
    reasons = [_reason(job) for job in jobs.jobs]
    reason = next(filter(None, reasons), "they ended without a word")
    return UserError(
        f"No job told a trial ({reason}). Their logs are in {str(logs)!r}; once that is mended, go "
        "on with dato-search resume."
    )


def _reason(job: Any) -> str:
    """The user's mistake that a job gave as its answer, or the last words of its log."""
    if _answered(job) and job.exception() is None:
        return str(job.result())
    lines = [line for line in (job.stderr() or "").splitlines() if line.strip()]
    # srun's own come after the job's, and say less.
    own = [line for line in lines if not line.startswith("srun:")]
    return next(reversed(own or lines), "").strip()
