"""What a sampler does between two calls, as far as it decides how outputs are held."""

from __future__ import annotations

from typing import Any

_ADD_NOISE = ("Ancestral", "DDPM", "UnCLIP", "SDE", "LCM", "TCD", "SASolver", "CosineDPM")
_RENEW_NOISE = ("LCM", "TCD")


FLOW = "flow_prediction"
"""What a flow-matching model predicts: the velocity, which is the noise less the clean sample."""


def predicted(scheduler: Any) -> str:
    """What a sampler takes outputs for: ``prediction_type`` of its configuration, or ``FLOW``."""
    if _named(scheduler, ("FlowMatch",)):
        return FLOW
    kind: str = scheduler.config.get("prediction_type", "epsilon")
    return kind


def diffuses(scheduler: Any) -> bool:
    """Whether a sampler steps along the noise schedule of a diffusion model, or takes outputs for
    such a model's. One of flow matching that was made of another's configuration does so until it
    is told otherwise; samplers of flow matching alone have no ``alphas_cumprod``."""
    if not hasattr(scheduler, "alphas_cumprod"):
        return False
    return predicted(scheduler) != FLOW or not scheduler.config.get("use_flow_sigmas", True)


def adds_noise(scheduler: Any) -> bool:
    """Whether each step of a sampler draws noise of its own.

    Noise that the pipeline asks for in a call (``eta`` of DDIM) cannot be seen here.
    """
    config = scheduler.config
    drawn = str(config.get("algorithm_type", "")).startswith("sde")
    return drawn or bool(config.get("stochastic_sampling")) or _named(scheduler, _ADD_NOISE)


def renews_noise(scheduler: Any) -> bool:
    """Whether each step of a sampler replaces all the noise, so that outputs lie on no line."""
    return _named(scheduler, _RENEW_NOISE)


def _named(scheduler: Any, words: tuple[str, ...]) -> bool:
    return any(word in type(scheduler).__name__ for word in words)
