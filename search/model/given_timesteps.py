"""Timesteps that a pipeline's call is given, for the scheduler that the pipeline has."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from diffusers.pipelines.flux.pipeline_flux import calculate_shift

from dato.preset.fields import Setting
from dato.sampler import given_timesteps as schedulers
from search.model.scheduler_settings import class_defaults
from search.records.timesteps import Timesteps

Given = Mapping[str, Any]
"""Arguments of a pipeline's call: ``timesteps`` as a list, or ``sigmas`` as an array."""

PLACING = frozenset({"timestep_spacing", "steps_offset"})
"""Settings that say where a scheduler's own timesteps are, and nothing else."""


def takes_timesteps(pipe: Any) -> bool:
    """Whether a pipeline's call passes given timesteps on to its scheduler, which takes them."""
    scheduler = pipe.scheduler
    argument = schedulers.argument_of(scheduler)
    # FLUX pipelines drop the sigmas of a sampler that makes those of flow matching itself.
    dropped = type(pipe).__name__.startswith("Flux") and scheduler.config.get("use_flow_sigmas")
    passed = argument in inspect.signature(type(pipe).__call__).parameters
    return passed and not dropped and schedulers.takes_timesteps(scheduler)


def given_timesteps(pipe: Any, timesteps: Timesteps, latent_size: tuple[int, int]) -> Given:
    """How the call of a pipeline, with the scheduler that it has now, is told its timesteps.

    Args:
        timesteps: given ones.
        latent_size: height and width, by which some schedulers shift.

    Raises:
        ValueError: it takes none, or makes others of them, or they are not known yet.
    """
    if not takes_timesteps(pipe):
        raise ValueError("it takes no timesteps")
    if not timesteps.values:
        raise ValueError("its timesteps are not known")
    mu = _mu(pipe.scheduler, latent_size)
    return schedulers.given_arguments(pipe.scheduler, timesteps.values, mu)


def settings_to_take_them(scheduler: Any) -> dict[str, Setting]:
    """The settings with which a scheduler runs given timesteps: the defaults of its class, whose
    sigmas have no spacing of their own. Those that place its own timesteps do not matter."""
    return {name: value for name, value in class_defaults(scheduler).items() if name not in PLACING}


def _mu(scheduler: Any, latent_size: tuple[int, int]) -> float | None:
    """What pipelines of flow matching tell a scheduler that shifts by the size of the image."""
    config = scheduler.config
    if not config.get("use_dynamic_shifting"):
        return None
    height, width = latent_size
    names = ("base_image_seq_len", "max_image_seq_len", "base_shift", "max_shift")
    mu: float = calculate_shift(height // 2 * (width // 2), *(config[name] for name in names))
    return mu
