"""Timesteps that a run is given: which samplers take them, and how a pipeline's call says them.

As of diffusers 0.42 DPM-Solver++, Euler and Heun take ``timesteps``, and the samplers of flow
matching take ``sigmas``, which they shift. DDIM, PNDM and DEIS take neither, nor does UniPC but
under flow matching.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from diffusers.pipelines.flux.pipeline_flux import calculate_shift

from dato.preset.fields import Setting
from dato.sampler.traits import FLOW, predicted
from search.model.scheduler_settings import class_defaults
from search.records.timesteps import OWN_TIMESTEPS, Timesteps

Given = Mapping[str, Any]
"""Arguments of a pipeline's call: ``timesteps`` as a list, or ``sigmas`` as an array."""

PLACING = frozenset({"timestep_spacing", "steps_offset"})
"""Settings that say where a scheduler's own timesteps are, and nothing else."""

_FLOW_REFUSED = ("shift_terminal", "invert_sigmas")


def takes_timesteps(pipe: Any) -> bool:
    """Whether a pipeline's call passes given timesteps on to its scheduler, which takes them."""
    argument = _argument(pipe.scheduler)
    known = (type(pipe).__call__, type(pipe.scheduler).set_timesteps)
    if not all(argument in inspect.signature(verb).parameters for verb in known):
        return False
    config = pipe.scheduler.config
    if argument == "timesteps":
        return bool(config.get("interpolation_type", "linear") == "linear")
    # FLUX pipelines drop the sigmas of a sampler that makes those of flow matching itself.
    dropped = type(pipe).__name__.startswith("Flux") and config.get("use_flow_sigmas")
    return not dropped and not any(config.get(name) for name in _FLOW_REFUSED)


def given_timesteps(pipe: Any, timesteps: Timesteps, latent_size: tuple[int, int]) -> Given:
    """How the call of a pipeline, with the scheduler that it has now, is told its timesteps.

    Args:
        latent_size: height and width, by which some schedulers shift.

    Raises:
        ValueError: it takes none, or makes others of them.
    """
    scheduler, values = pipe.scheduler, timesteps.values
    if timesteps == OWN_TIMESTEPS:
        return {}
    if not takes_timesteps(pipe):
        raise ValueError("it takes no timesteps")
    if not values:
        raise ValueError("its timesteps are not known")
    mu = _mu(scheduler, latent_size)
    given: dict[str, Any] = {"timesteps": [round(value) for value in values]}
    if _argument(scheduler) == "sigmas":
        shift = _shift(scheduler.config, mu)
        shares = np.array(values) / scheduler.config.num_train_timesteps
        given = {"sigmas": shares / (shift - (shift - 1) * shares)}  # UniPC takes no list
    own = copy.deepcopy(scheduler)
    own.set_timesteps(**given, **({} if mu is None else {"mu": mu}))
    made = dict.fromkeys(own.timesteps.tolist())  # Heun calls twice at each
    if len(made) != len(values) or not np.allclose(list(made), values, rtol=0, atol=1):
        raise ValueError("it makes other timesteps of those that it is given")
    return given


def settings_to_take_them(scheduler: Any) -> dict[str, Setting]:
    """The settings with which a scheduler runs given timesteps: the defaults of its class, whose
    sigmas have no spacing of their own. Those that place its own timesteps do not matter."""
    return {name: value for name, value in class_defaults(scheduler).items() if name not in PLACING}


def _argument(scheduler: Any) -> str:
    return "sigmas" if predicted(scheduler) == FLOW else "timesteps"


def _mu(scheduler: Any, latent_size: tuple[int, int]) -> float | None:
    """What pipelines of flow matching tell a scheduler that shifts by the size of the image."""
    config = scheduler.config
    if not config.get("use_dynamic_shifting"):
        return None
    height, width = latent_size
    names = ("base_image_seq_len", "max_image_seq_len", "base_shift", "max_shift")
    mu: float = calculate_shift(height // 2 * (width // 2), *(config[name] for name in names))
    return mu


def _shift(config: Any, mu: float | None) -> float:
    """How far a scheduler of flow matching shifts the sigmas that it is given."""
    if mu is None:
        return float(config.get("flow_shift", config.get("shift", 1.0)))
    return math.exp(mu) if config.get("time_shift_type", "exponential") == "exponential" else mu
