"""Settings of the rivals, and of what is exported because of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from search.records.timesteps import Source
from search.settings.base import Settings

Steps = Annotated[int, Field(ge=1, le=1000)]

OWN = "own"
"""The study's own sampler, among the samplers of rivals."""


class RivalSettings(Settings):
    """The unpatched model with fewer steps, measured beside the front.

    Args:
        samplers: class names of diffusers schedulers; ``"own"`` is the study's. None: no rivals.
        count: numbers of steps of each sampler, spread over the speed-ups of the front.
        steps: the numbers of steps instead.
        timesteps: where they are: the scheduler's ``"own"`` timesteps, those that the study's
            calibration has ``"planned"``, and ``"ays"``, for models that have them. Given ones are
            measured on samplers that take them.
    """

    samplers: tuple[str, ...] = ()
    count: int = Field(default=3, ge=1, le=20)
    steps: tuple[Steps, ...] | None = Field(default=None, min_length=1)
    timesteps: Annotated[tuple[Source, ...], Field(min_length=1)] = ("own",)

    @field_validator("samplers")
    @classmethod
    def _class_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name != OWN and not (name.isidentifier() and name.endswith("Scheduler")):
                raise ValueError(
                    f"{name!r} is not a sampler. Write {OWN!r} or a scheduler of diffusers such as "
                    "DPMSolverMultistepScheduler."
                )
        return tuple(dict.fromkeys(value))


class ExportSettings(Settings):
    """Which members of the front become presets.

    Args:
        dominated: also those that a rival dominates.
    """

    dominated: bool = False
