"""A schedule and the parts that surround it, which have to fit together. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from dato.errors import DepthError, GuidanceError, TimestepsError, WrongLengthError
from dato.preset.fields import (
    Name,
)
from dato.preset.info import Measured, ModelInfo, Provenance, SamplerInfo
from dato.preset.parse import shorten
from dato.schedule import Schedule
from dato.tuned import check_timesteps


@dataclass(frozen=True)
class Contents:
    """A schedule and what it belongs to.

    Args:
        name: such as ``"pocket/balanced"``.
        measured: ``None`` for a preset that was never measured.

    Raises:
        WrongLengthError: the schedule has another number of steps than ``sampler.calls``, or the
            sampler another number of timesteps than steps.
        TimestepsError: its timesteps do not fall, or are no timesteps.
        DepthError: a kind is deeper than ``model.skip_branches``.
        GuidanceError: ``sampler.guidance_range`` lacks ``sampler.guidance_scale``.
    """

    name: Name
    model: ModelInfo
    sampler: SamplerInfo
    schedule: Schedule
    measured: Measured | None = None
    provenance: Provenance = Provenance()

    def __post_init__(self) -> None:
        if self.schedule.calls != self.sampler.calls:
            raise WrongLengthError(
                f"The schedule has {self.schedule.calls} steps, but the sampler makes "
                f"{self.sampler.calls} calls.",
                remedy="Correct steps or sampler.calls.",
            )
        if not self.sampler.serves(self.sampler.guidance_scale):
            raise GuidanceError(
                f"The sampler.guidance_range {shorten(self.sampler.guidance_range)} does not hold "
                f"sampler.guidance_scale = {self.sampler.guidance_scale:g}.",
                remedy="Write the lowest scale, then the highest, around the preset's.",
            )
        if self.sampler.timesteps:
            self._check_timesteps()
        for name, kind in self.schedule.kinds.items():
            if kind.depth != "full" and kind.depth > self.model.skip_branches:
                raise DepthError(
                    f"The kind {shorten(name)} has the depth {kind.depth}, deeper than "
                    f"model.skip_branches = {self.model.skip_branches}.",
                    remedy='Lower its depth or use "full".',
                )

    def _check_timesteps(self) -> None:
        count, steps = len(self.sampler.timesteps), self.sampler.num_inference_steps
        if count != steps:
            raise WrongLengthError(
                f"The sampler has {count} timesteps for {steps} steps.",
                remedy="Correct sampler.timesteps or sampler.num_inference_steps.",
            )
        check_timesteps(self.sampler.timesteps)
        if self.schedule.tuned is not None:
            raise TimestepsError(
                "The sampler has timesteps, but a tuned sampler has its own.",
                remedy="Remove sampler.timesteps.",
            )
