"""Settings that say where images are generated, and by whom."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from search.settings.base import Settings, duration_text
from search.settings.duration import parse_duration

Word = Annotated[str, StringConstraints(pattern=r"^[\w.,:|&*+/\[\]()-]{1,200}$")]
"""One word of a job's script: it holds no blank, quote or line end, which would end the word."""


class JobSettings(Settings):
    """What a Slurm job asks for.

    Args:
        minutes: how long the job may run; then Slurm ends it, and the study goes on in a new one.
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
    """Who generates images: this process (``serial``), processes on this machine (``local``),
    workers on a Ray cluster (``ray``), or Slurm jobs that each run whole trials (``slurm``).

    Args:
        workers: how many; by default one for each core, on CUDA one for each GPU, as many as the
            Ray cluster has room for, or one Slurm job.
        timeout: wall-clock time for one batch, such as ``"10m"``; by default there is no limit. A
            worker that takes longer is replaced, and its trial fails. ``serial`` has no worker to
            replace and ignores it.
        address: of a running Ray cluster, or ``"auto"``; by default Ray runs on this machine.
        accelerator: the only type of GPU that a Ray cluster's workers take, as Ray names it.
        executor: who runs the jobs: Slurm, processes on this machine, or this process, one job
            after another.
        job: what each job asks for.
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
