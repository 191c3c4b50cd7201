"""Notices a model of flow matching whose pipeline has a sampler of diffusion.

Such a pipeline runs without an error, and its images are not what the model makes.
"""

from __future__ import annotations

import warnings
from typing import Any

from dato.denoisers.registry import matches_flow
from dato.errors import MismatchError, SettingWarning
from dato.sampler.traits import FLOW, diffuses
from dato.scheduler_settings import defaults_of


def check_flow(denoiser: Any, scheduler: Any) -> None:
    """Refuse a sampler of diffusion for a tuned one, which takes its noise levels from it.

    Raises:
        MismatchError: the denoiser was trained by flow matching, and the sampler is of diffusion.
    """
    if matches_flow(denoiser) and diffuses(scheduler):
        raise MismatchError(
            f"The {_named(scheduler)} does not run flow matching, but the pipeline's "
            f"{type(denoiser).__name__} was trained by it.",
            remedy=f"Set {_line(scheduler)}, and call dato.apply again.",
        )


def warn_of_diffusion(denoiser: Any, scheduler: Any) -> None:
    """Warn at the start of a run, where :func:`check_flow` would refuse."""
    if matches_flow(denoiser) and diffuses(scheduler):
        warnings.warn(
            f"The {_named(scheduler)} does not run flow matching, but the pipeline's "
            f"{type(denoiser).__name__} was trained by it: its images are not what the "
            f"model makes, with a schedule and without. Set {_line(scheduler)}, and call "
            "dato.apply again.",
            SettingWarning,
            stacklevel=2,
        )


def _named(scheduler: Any) -> str:
    config = scheduler.config
    settings = (f"{name}={config[name]!r}" for name in _SETTINGS if name in config)
    return f"{type(scheduler).__name__} ({', '.join(settings)})"


_SETTINGS = ("prediction_type", "use_flow_sigmas")


def _line(scheduler: Any) -> str:
    """The line that sets a sampler of flow matching, of the same class where that can be."""
    kind = type(scheduler)
    if "use_flow_sigmas" not in defaults_of(kind):
        return "pipe.scheduler = FlowMatchEulerDiscreteScheduler.from_config(pipe.scheduler.config)"
    # The shift of the sampler that the pipeline came with stays in the configuration.
    shift = scheduler.config.get("shift")
    shifted = "" if shift is None else f", flow_shift={shift!r}"
    return (
        f"pipe.scheduler = {kind.__name__}.from_config(pipe.scheduler.config, "
        f"prediction_type={FLOW!r}, use_flow_sigmas=True{shifted})"
    )
