"""Which diffusers schedulers a model can be sampled with, and how one is swapped in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import diffusers

from dato import step_counts
from dato.preset import SamplerInfo
from dato.preset.fields import Setting
from dato.sampler.traits import FLOW, predicted
from dato.scheduler_settings import read_settings
from search.errors import TrialError, UserError
from search.model.scheduler_settings import with_settings
from search.nearest import did_you_mean
from search.records.base_sampler import OWN

_FLOW_SAMPLERS = ("FlowMatchEulerDiscreteScheduler", "UniPCMultistepScheduler")
_FIXED = ("FlowMatchHeunDiscreteScheduler", "DPMSolverMultistepScheduler")


def set_scheduler(pipe: Any, name: str, settings: Mapping[str, Setting] = {}) -> None:
    """Swap the pipeline's scheduler for the diffusers class ``name``, keeping its settings except
    for ``settings``.

    Args:
        name: ``"own"`` is the pipeline's own class.

    Raises:
        UserError: there is no such scheduler, it does not fit this model, or it has no such
            setting.
    """
    original = pipe.scheduler
    pipe.scheduler = swapped(original, type(pipe).__name__, name, settings)


def swapped(original: Any, pipeline: str, name: str, settings: Mapping[str, Setting]) -> Any:
    """The scheduler that takes the place of a pipeline's own; see :func:`set_scheduler`.

    Args:
        pipeline: the name of the pipeline's class.
    """
    if name == OWN and not settings:
        return original
    cls = type(original) if name == OWN else scheduler_class(name, original, pipeline)
    flow = {} if name == OWN else _flow(original, name)
    return with_settings(cls, {**original.config, **flow}, settings)


def set_preset_scheduler(pipe: Any, sampler: SamplerInfo) -> None:
    """Give a pipeline the scheduler of a preset. What the preset does not name is the default of
    its class, or in older presets the pipeline's own.

    Raises:
        UserError: it does not fit this model, or its scheduler has no such setting.
    """
    original, pipeline = pipe.scheduler, type(pipe).__name__
    if not fits(sampler.scheduler, original, pipeline):
        raise UserError(
            f"The preset's sampler {sampler.scheduler!r} is not a scheduler for this model. Give "
            "the model that the preset is for, or another preset."
        )
    if sampler.other_settings == "any":
        set_scheduler(pipe, sampler.scheduler, sampler.settings)
        return
    cls = scheduler_class(sampler.scheduler, original, pipeline)
    pipe.scheduler = with_settings(cls, {}, read_settings(sampler.settings, original.config))


def fits(name: str, original: Any, pipeline: str) -> bool:
    """Whether the diffusers class ``name`` samples a model; see :func:`scheduler_class`."""
    return name in _known(original, pipeline) and hasattr(diffusers, name)


def scheduler_class(name: str, original: Any, pipeline: str) -> type:
    """The diffusers class ``name``.

    Args:
        original: the scheduler that the model came with.
        pipeline: the name of the pipeline's class.

    Raises:
        UserError: there is no such scheduler, or it does not fit this model.
    """
    known = sorted(_known(original, pipeline))
    if not fits(name, original, pipeline):
        raise UserError(
            f"model.scheduler={name!r} is not a scheduler for this model. "
            f"{did_you_mean(name, known)}Choose one of {', '.join(known)}."
        )
    chosen: type = getattr(diffusers, name)
    return chosen


def steps_of(scheduler: Any, calls: int) -> int:
    """The number of steps whose run makes so many calls.

    Raises:
        TrialError: there is none.
    """
    try:
        steps = step_counts.steps_of(scheduler, calls)
    except ValueError as error:
        raise TrialError(str(error)) from error
    if steps is None:
        raise TrialError(f"{type(scheduler).__name__} makes {calls} calls in no number of steps.")
    return steps


def _known(original: Any, pipeline: str) -> set[str]:
    """Samplers that fit a pipeline's model."""
    if predicted(original) != FLOW:
        return {cls.__name__ for cls in original.compatibles} | {type(original).__name__}
    # FLUX pipelines pass every sampler their own noise levels and a shift.
    return {*_FLOW_SAMPLERS} if pipeline.startswith("Flux") else {*_FLOW_SAMPLERS, *_FIXED}


def _flow(original: Any, name: str) -> dict[str, Any]:
    """Settings that make a sampler one of a flow-matching model."""
    if predicted(original) != FLOW:
        return {}
    shift = original.config.get("shift", 1.0)
    return {
        "shift": shift,
        "flow_shift": shift,
        "prediction_type": FLOW,
        "use_flow_sigmas": not name.startswith("FlowMatch"),
    }
