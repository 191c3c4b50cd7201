"""What in a pipeline, or in the arguments of its call, stands in the way of a fused run.

A fused run's loop goes over computed calls only. Two things do not survive that: what counts on
every timestep, and arithmetic between the denoiser and the sampler that is not linear or changes
from call to call. The second is no obstacle where a schedule has no adapter: there the output is
whatever the pipeline hands to its sampler.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from diffusers.callbacks import MultiPipelineCallbacks, PipelineCallback

COUNTS = "counts on every timestep"
GUIDES = "is not linear, or changes with the timestep"
NOISE = "draws noise"


@dataclass(frozen=True)
class Argument:
    """An argument of a pipeline's call, or a variable of its loop.

    Args:
        name: of it.
        harmless: whether a value changes nothing.
        why: what other values do.
    """

    name: str
    harmless: Callable[[Any], bool]
    why: str


def _none(value: Any) -> bool:
    return not any(value if isinstance(value, list | tuple) else (value,))


def _above(least: float) -> Callable[[Any], bool]:
    """Whether a value, or each in a list, is ``least`` or more."""
    return lambda value: all(
        each is None or each >= least
        for each in (value if isinstance(value, list | tuple) else (value,))
    )


def _plain(callback: Any) -> bool:
    return not isinstance(callback, PipelineCallback | MultiPipelineCallbacks)


ARGUMENTS = (
    Argument("denoising_end", _none, COUNTS),
    Argument("denoising_start", _none, COUNTS),
    Argument("control_guidance_start", _none, COUNTS),
    Argument("control_guidance_end", _above(1.0), COUNTS),
    Argument("adapter_conditioning_factor", _above(1.0), COUNTS),
    Argument("skip_guidance_layers", lambda value: not value, COUNTS),
    Argument("cfg_trunc_ratio", _above(1.0), COUNTS),
    Argument("eta", _none, NOISE),
    Argument("callback_on_step_end", _plain, GUIDES),
    Argument("guidance_rescale", _none, GUIDES),
    Argument("pag_adaptive_scale", _none, GUIDES),
    Argument("cfg_normalization", _none, GUIDES),
    Argument("cfg_truncation", _above(1.0), GUIDES),
)
PARAMETERS = ("strength", "mask_image")
"""Pipelines that take these start in mid-run, or blend another picture in at each timestep."""
INVERSION = "invert"
"""Pipelines that have this method go over the timesteps that it has kept, of another run."""


def of_pipeline(pipe: Any) -> str | None:
    """Why no run of a pipeline is fused, for a sentence."""
    parameters = inspect.signature(type(pipe).__call__).parameters
    for name in PARAMETERS:
        if name in parameters:
            return f"{type(pipe).__name__} takes {name}, which {COUNTS}"
    if hasattr(pipe, INVERSION):
        return f"{type(pipe).__name__} inverts a picture first, which {COUNTS}"
    return None


def of_call(variables: Mapping[str, Any], scheduler: Any, *, adapted: bool) -> str | None:
    """Why a run is not fused.

    Args:
        variables: of the pipeline's call.
        scheduler: the pipeline's.
        adapted: whether the run can go call by call.
    """
    for argument in ARGUMENTS:
        value = variables.get(argument.name)
        if argument.harmless(value) or (argument.why == GUIDES and not adapted):
            continue
        if argument.name == "eta" and "eta" not in inspect.signature(scheduler.step).parameters:
            continue
        shown = type(value).__name__ if callable(value) else repr(value)
        return f"{argument.name}={shown} {argument.why}"
    return None
