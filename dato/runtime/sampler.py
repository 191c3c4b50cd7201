"""What a sampler does between two calls, as far as it decides how outputs are held."""

from __future__ import annotations

from typing import Any

_ADD_NOISE = ("Ancestral", "DDPM", "UnCLIP", "SDE", "LCM", "TCD", "SASolver", "CosineDPM")
_RENEW_NOISE = ("LCM", "TCD")


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
