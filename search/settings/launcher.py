"""Settings of who generates images, and where."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from search.settings.base import Settings, duration_text
from search.settings.duration import parse_duration

Word = Annotated[str, StringConstraints(pattern=r"^[\w.,:|&*+/\[\]()-]{1,200}$")]
"""One word of a job's script: no blank, quote or line end, so that it stays one."""


class JobSettings(Settings):
    """What a Slurm job asks for.

    Args:
        minutes: after which Slurm ends the job; the study goes on in a new one.
        gpus: by default 1 where ``model.device`` is ``cuda``, else none.
    """

    minutes: int = Field(default=240, ge=1)
    cpus: int = Field(default=1, ge=1)
    gpus: int | None = Field(default=None, ge=0)
    mem_gb: float | None = Field(default=None, gt=0)
    partition: Word | None = None
    account: Word | None = None
    qos: Word | None = None
    constraint: Word | None = None


class LauncherSettings(Settings):
    """Who generates images: this process, processes on this machine, a Ray cluster's, or Slurm
    jobs that each run whole trials.

    Args:
        workers: how many; by default one for each core, on CUDA one for each GPU, what the cluster
            has room for, or one job.
        timeout: wall-clock time after which a worker that has not finished a batch is replaced
            and its trial failed, such as ``"10m"``; by default none. This process cannot be.
        address: of a running Ray cluster, or ``"auto"``; by default Ray runs on this machine.
        accelerator: the only type of GPU that a Ray cluster's workers take, as Ray names it.
        executor: how jobs are run: by Slurm, by processes on this machine, or one after another
            in this process.
        job: what each of them asks for.
    """

    kind: Literal["serial", "local", "ray", "slurm"]
    workers: int | None = Field(default=None, ge=1, le=256)
    timeout: str | None = None
    address: str | None = None
    accelerator: str | None = None
    executor: Literal["slurm", "local", "debug"] = "slurm"
    job: JobSettings = JobSettings()

    @field_validator("timeout", mode="before")
    @classmethod
    def _is_a_duration(cls, value: Any) -> Any:
        return duration_text(value)

    @property
    def timeout_s(self) -> float | None:
        """The timeout in seconds."""
        return None if self.timeout is None else parse_duration(self.timeout)
