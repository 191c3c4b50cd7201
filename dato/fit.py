"""Whether a schedule or preset fits a pipeline, and resampling on request."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dato.errors import MismatchError
from dato.preset.info import SamplerInfo
from dato.schedule import Schedule
from dato.scheduler_settings import check_scheduler
from dato.step_counts import one_call_a_step, steps_of
from dato.topology import Topology

if TYPE_CHECKING:
    from dato.preset import Preset

Resample = Literal["nearest"]


@dataclass(frozen=True)
class Fit:
    """A schedule with what it is meant for.

    Args:
        schedule: the schedule as written.
        sampler: that it belongs to; None accepts any.
        latent_size: (height, width) that it belongs to; None accepts any.
        name: of the preset, for people.
        resample: stretch the schedule to other step counts, and accept other sizes.
    """

    schedule: Schedule
    sampler: SamplerInfo | None = None
    latent_size: tuple[int, int] | None = None
    name: str = ""
    resample: Resample | None = None

    @classmethod
    def of(
        cls, target: Preset | Schedule, layout: Topology | None, resample: Resample | None
    ) -> Fit:
        """Check a preset or schedule against a denoiser; None for one that nobody looks into.

        Raises:
            MismatchError: it names a layer, level or depth that the denoiser lacks.
        """
        if resample not in (None, "nearest"):
            raise MismatchError(
                f"A schedule cannot be stretched with resample={resample!r}.",
                remedy='Use "nearest", or leave it out.',
            )
        if isinstance(target, Schedule):
            fit = cls(target, resample=resample)
        else:
            if layout is not None:
                _check_branches(target, layout)
            height, width = target.model.latent_size
            fit = cls(target.schedule, target.sampler, (height, width), target.name, resample)
        if layout is not None:
            layout.check(fit.schedule)
        return fit

    def check_size(self, latent_size: tuple[int, int], most: int | None = None) -> None:
        """Raise :class:`MismatchError` when the preset belongs to another latent size.

        Args:
            most: the largest height and width that the denoiser takes; None for any.
        """
        if self.latent_size not in (None, latent_size) and self.resample is None:
            raise MismatchError(
                f"The preset is for latents of {self.latent_size}, but this run has {latent_size}.",
                remedy='Change height and width, or apply with resample="nearest".'
                if most is None or max(latent_size) <= most
                else f"Change height and width; this denoiser takes at most ({most}, {most}).",
            )

    def schedule_for(self, scheduler: Any, calls: int, passed: str = "") -> Schedule:
        """The schedule of a run of ``calls`` calls, at its start.

        Args:
            scheduler: the pipeline's, after ``set_timesteps``.
            calls: of the run.
            passed: the argument with which the caller chose its timesteps; empty for none.

        Raises:
            MismatchError: the sampler or the number of calls differ.
        """
        self.check_scheduler(scheduler)
        if calls == self.schedule.calls:
            return self.schedule
        if self.resample is None or self.schedule.tuned is not None:
            raise MismatchError(
                f"The schedule is for a run of {self.schedule.calls} denoiser calls, but this run "
                f"makes {calls}.",
                remedy=_remedy(self.schedule, scheduler, calls, passed),
            )
        if self.schedule.weights:
            warnings.warn(
                f"The schedule's fitted weights belong to runs of {self.schedule.calls} calls; "
                f"this run of {calls} forecasts linearly instead.",
                stacklevel=2,
            )
        return self.schedule.resampled(calls)

    def check_scheduler(self, scheduler: Any) -> None:
        """Raise :class:`MismatchError` when the preset belongs to another sampler, or to other
        settings of it."""
        if self.sampler is not None:
            check_scheduler(self.sampler, scheduler)


def _remedy(schedule: Schedule, scheduler: Any, made: int, passed: str) -> str:
    """What to do about a run that made another number of calls than the schedule has."""
    stretch = 'apply with resample="nearest"'
    timesteps = getattr(scheduler, "timesteps", None)
    if schedule.tuned is None and (timesteps is None or made != len(timesteps)):
        return f"Change num_inference_steps or strength, or {stretch}."
    try:
        steps = steps_of(scheduler, schedule.calls)
    except ValueError:
        steps = schedule.calls
    if steps is not None:
        other = "" if schedule.tuned is not None else f", or {stretch}"
        before = f"Leave {passed} out and pass" if passed else "Pass"
        return f"{before} num_inference_steps={steps}{other}."
    never = f"{type(scheduler).__name__} makes {schedule.calls} calls in no number of steps"
    if schedule.tuned is None:
        return f"{never}: {stretch}."
    return (
        f"{never}: set a sampler that makes one for each step, "
        f"{one_call_a_step(scheduler)}, call dato.apply again, and pass "
        f"num_inference_steps={schedule.calls}."
    )


def _check_branches(preset: Preset, layout: Topology) -> None:
    model = preset.model
    if model.skip_branches != layout.skip_branches:
        raise MismatchError(
            f"The preset {preset.name!r} is for the model {model.id!r}, whose denoiser can be cut "
            f"at {model.skip_branches} depths, but this pipeline's at {layout.skip_branches}.",
            remedy="Choose a preset of this pipeline's model: dato.list_presets() has the names "
            "of all that ship.",
        )
