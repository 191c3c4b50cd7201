"""Settings of a study: its place, proposals, storage, tracker and launcher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from search.duration import parse_duration
from search.settings.base import Settings, duration_text


class StudySettings(Settings):
    """The study's name, folder and seed."""

    name: str = Field(min_length=1)
    folder: str = Field(min_length=1)
    seed: int = Field(ge=0, lt=2**31)


class SamplerSettings(Settings):
    """Optuna's sampler: its name and keyword arguments.

    Args:
        refine: share of the proposals that change a member of the front instead.
    """

    name: Literal["tpe", "gp", "nsga2", "random"]
    options: Mapping[str, Any] = Field(default_factory=dict)
    refine: float = Field(default=0.0, ge=0, le=1)


class WarmstartSettings(Settings):
    """Which schedules are tried before the sampler takes over, as far as the space has them.

    Args:
        count: how many uniform ones.
        optimal: how many of least predicted damage, found by dynamic programming from a
            measurement of single calls; only where the space gives every call a depth of its own.
        study: folder of another study whose front is tried.
    """

    count: int = Field(ge=0)
    optimal: int = Field(default=0, ge=0)
    study: str | None = None


class StorageSettings(Settings):
    """Where the trials live, inside the study folder."""

    kind: Literal["journal", "sqlite"]


class TrackerSettings(Settings):
    """Who is told about trials.

    Args:
        per_trial: also a light W&B run for each trial, in the study's group, so that parallel
            coordinates and parameter importance work in W&B.
    """

    kind: Literal["wandb", "none"]
    mode: Literal["offline", "online"] = "offline"
    project: str = "dato"
    entity: str | None = None
    per_trial: bool = False


class LauncherSettings(Settings):
    """Who generates images: this process, processes on this machine, or a Ray cluster's.

    Args:
        workers: how many; by default one for each core, or what the cluster has room for.
        timeout: wall-clock time after which a worker that has not finished a batch is replaced
            and its trial failed, such as ``"10m"``; by default none. This process cannot be.
        address: of a running Ray cluster, or ``"auto"``; by default Ray runs on this machine.
    """

    kind: Literal["serial", "local", "ray"]
    workers: int | None = Field(default=None, ge=1, le=256)
    timeout: str | None = None
    address: str | None = None

    @field_validator("timeout", mode="before")
    @classmethod
    def _is_a_duration(cls, value: Any) -> Any:
        return duration_text(value)

    @property
    def timeout_s(self) -> float | None:
        """The timeout in seconds."""
        return None if self.timeout is None else parse_duration(self.timeout)
