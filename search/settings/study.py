"""Settings of a study: its place, proposals and tracker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from search.settings.base import Settings


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
