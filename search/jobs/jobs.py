"""A study's jobs: submitted to Slurm, or run on this machine instead. The only file that imports
submitit."""

from __future__ import annotations

import io
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search.errors import RESUME, UserError
from search.jobs.one_job import run_job
from search.jobs.queue import ASK_S, SlurmQueue, cancel
from search.records.folder import StudyFolder
from search.settings import Config, LauncherSettings
from search.settings.launcher import JobSettings
from search.study.interrupts import uninterrupted


@dataclass
class Jobs:
    """The jobs of a study, one for each worker, by the worker's number.

    Args:
        config: of the study; ``folder``: where jobs find it, and write their logs.
    """

    config: Config
    folder: StudyFolder
    _jobs: dict[int, Any] = field(default_factory=dict)
    _queue: SlurmQueue = field(default_factory=SlurmQueue)
    _submitted: float = 0.0
    _forgot: float = float("-inf")

    @property
    def age_s(self) -> float:
        """Seconds since the last submission."""
        return time.monotonic() - self._submitted

    def submit(self, workers: Sequence[int]) -> Path:
        """Start jobs for these workers, whose earlier jobs have ended.

        Returns:
            folder of their logs.

        Raises:
            UserError: submitit or Slurm is missing, or Slurm refuses the jobs.
        """
        with uninterrupted():  # Ctrl-C in between would leave jobs that this process forgot
            logs = _fresh_folder(self.folder)
            jobs = _submit(self.config, self.folder, logs, workers)
            self._jobs.update(zip(workers, jobs, strict=True))
        self._queue, self._submitted = SlurmQueue(), time.monotonic()
        return logs

    def ended(self) -> list[int]:
        """Workers whose job has ended. Jobs of the executor ``debug`` run inside this call."""
        return [worker for worker, job in self._jobs.items() if not self._runs(job)]

    def _runs(self, job: Any) -> bool:
        if self._executor == "debug":
            job.exception()
            return False
        if self._executor == "local":
            return not job.done()
        # submitit would ask sacct, and without accounts wait for a killed job for ever.
        return not _answered(job) and self._queue.holds(job.job_id)

    @property
    def _executor(self) -> str:
        return self.config.launcher.executor

    def forget_waiting(self) -> None:
        """Cancel the jobs that Slurm has not started, because no work is left for them."""
        if self._executor == "slurm" and time.monotonic() - self._forgot > ASK_S:
            self._forgot = time.monotonic()
            waiting = [job.job_id for job in self._jobs.values() if not _answered(job)]
            cancel(waiting, "--state=PENDING")

    def cancel(self) -> None:
        """Cancel all."""
        for job in self._jobs.values():
            with suppress(Exception):
                job.cancel()

    def failure(self) -> UserError:
        """Why no job recorded a trial."""
        reasons = [_reason(job, self._executor == "debug") for job in self._jobs.values()]
        reason = next(filter(None, reasons), "they ended without a message")
        return UserError(
            f"No job recorded a trial ({reason}). Read their logs in {str(self.folder.jobs)!r}, "
            f"remove the cause, then go on with {RESUME}."
        )


def _fresh_folder(folder: StudyFolder) -> Path:
    """A new empty folder for the jobs' logs and answers, so that no other file is taken for one."""
    folder.jobs.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="jobs-", dir=folder.jobs.resolve()))


def _answered(job: Any) -> bool:
    """Whether a job ran to its end and left its answer; not for the executor ``debug``."""
    return bool(job.paths.result_pickle.exists())


def _submit(
    config: Config, folder: StudyFolder, logs: Path, workers: Sequence[int]
) -> Sequence[Any]:
    job, launcher, root = config.launcher.job, config.launcher, str(folder.root.resolve())
    gpus = job.gpus if job.gpus is not None else int(config.model.device.startswith("cuda"))
    executor, refused = _executor(launcher, logs)
    executor.update_parameters(
        # The name is part of a line of a shell script, so only characters of a word are kept.
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
            return [submit(run_job, root, worker) for worker in workers]
    except refused as error:
        raise _refusal(job, gpus, str(error)) from error


def _executor(launcher: LauncherSettings, logs: Path) -> tuple[Any, type[Exception]]:
    """submitit's executor, and the exception that it raises if Slurm refuses jobs."""
    try:
        import submitit
        from submitit.core.utils import FailedJobError
    except ModuleNotFoundError as error:
        raise UserError(
            "launcher=slurm needs the package submitit, which is not installed. Install the extra: "
            "pip install 'dato[slurm]'."
        ) from error
    try:
        return submitit.AutoExecutor(logs, cluster=launcher.executor), FailedJobError
    except RuntimeError as error:
        raise UserError(
            "launcher=slurm found no Slurm on this machine (no srun). Start the sweep where jobs "
            "are submitted, or try it with launcher.executor=local."
        ) from error


def _refusal(job: JobSettings, gpus: int, said: str) -> UserError:
    """The error of Slurm's refusal, in Slurm's own words."""
    asked = job.model_dump(exclude_none=True) | {"gpus": gpus}
    words = ", ".join(f"{name}={value}" for name, value in asked.items())
    reason = "; ".join(line.removeprefix("sbatch: error: ") for line in said.splitlines())
    return UserError(
        f"Slurm refuses jobs with {words} ({reason}). Set launcher.job to what sinfo and "
        f"'scontrol show partition' list, then go on with {RESUME}."
    )


def _reason(job: Any, ended_here: bool) -> str:
    """The mistake that a job returned as its answer, or the last line of its log."""
    if (ended_here or _answered(job)) and job.exception() is None:
        return str(job.result())
    lines = [line for line in (job.stderr() or "").splitlines() if line.strip()]
    # srun's own lines come after the job's and say less.
    told = [line for line in lines if not line.startswith("srun:")]
    return next(reversed(told or lines), "").strip()
