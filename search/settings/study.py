"""Settings of a study: its place, proposals and tracker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from search.settings.base import Location, Settings


class StudySettings(Settings):
    """The study's name, folder and seed."""

    name: str = Field(min_length=1)
    folder: Location = Field(min_length=1)
    seed: int = Field(ge=0, lt=2**31)


class SamplerSettings(Settings):
    """Optuna's sampler: its name and keyword arguments.

    Args:
        refine: share of the proposals that change a member of the front, without asking Optuna.
    """

    name: Literal["tpe", "gp", "nsga2", "random"]
    options: Mapping[str, Any] = Field(default_factory=dict)
    refine: float = Field(default=0.0, ge=0, le=1)


class WarmstartSettings(Settings):
    """The schedules that are tried before the sampler takes over, where the space has them.

    Args:
        count: how many uniform schedules.
        optimal: how many schedules of least predicted damage, which dynamic programming finds from
            a calibration, for spaces whose rule is planned or per_call. The faster half is tried
            once more with pruning, where the space prunes full calls.
        study: folder of another study; the schedules of its front are tried.
    """

    count: int = Field(ge=0)
    optimal: int = Field(default=0, ge=0)
    study: Location | None = None


class TrackerSettings(Settings):
    """Where trials are shown while the study runs.

    Args:
        mode: by default what ``WANDB_MODE`` or ``WANDB_DISABLED`` says, else offline.
        project: by default what ``WANDB_PROJECT`` says, else ``dato``.
        per_trial: also make a light W&B run for each trial, in the study's group, for W&B's
            parallel coordinates and parameter importance.
    """

    kind: Literal["wandb", "none"]
    mode: Literal["offline", "online", "disabled"] | None = None
    project: str | None = None
    entity: str | None = None
    per_trial: bool = False
