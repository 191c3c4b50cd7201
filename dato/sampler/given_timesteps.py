"""Timesteps that a scheduler is given: which schedulers take them, and as which arguments.

As of diffusers 0.42 DPM-Solver++, Euler and Heun take ``timesteps``, and the samplers of flow
matching take ``sigmas``, which they shift. DDIM, PNDM and DEIS take neither, nor does UniPC but
under flow matching.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from dato.sampler.traits import FLOW, predicted

_FLOW_MOVES = ("shift_terminal", "invert_sigmas")


def argument_of(scheduler: Any) -> str:
    """The argument that would hold a scheduler's given timesteps."""
    return "sigmas" if predicted(scheduler) == FLOW else "timesteps"


def takes_timesteps(scheduler: Any) -> bool:
    """Whether a scheduler runs given timesteps, at least with the default settings of its class."""
    argument, config = argument_of(scheduler), scheduler.config
    if argument not in inspect.signature(scheduler.set_timesteps).parameters:
        return False
    if argument == "timesteps":
        return bool(config.get("interpolation_type", "linear") == "linear")
    return not any(config.get(name) for name in _FLOW_MOVES)


def given_arguments(scheduler: Any, values: Sequence[float], mu: float | None) -> dict[str, Any]:
    """The argument of ``set_timesteps`` that makes a scheduler run given timesteps.

    Args:
        values: falling, in the model's units; under flow matching the shares of noise in those
            units, with every shift in them.
        mu: what a pipeline of flow matching shifts with by the size of the image.

    Raises:
        ValueError: it takes none, or makes others of them.
    """
    if not takes_timesteps(scheduler):
        raise ValueError(f"{type(scheduler).__name__} takes no timesteps")
    given: dict[str, Any] = {"timesteps": [round(value) for value in values]}
    if argument_of(scheduler) == "sigmas":
        shift = _shift(scheduler.config, mu)
        shares = np.array(values) / scheduler.config.num_train_timesteps
        given = {"sigmas": shares / (shift - (shift - 1) * shares)}  # UniPC takes no list
    tried = copy.deepcopy(scheduler)
    type(tried).set_timesteps(tried, **given, **({} if mu is None else {"mu": mu}))
    made = list(dict.fromkeys(tried.timesteps.tolist()))  # Heun calls twice at each
    if len(made) != len(values) or not np.allclose(made, values, rtol=0, atol=1):
        raise ValueError(
            f"{type(scheduler).__name__} makes other timesteps of those that it is given"
        )
    return given


def _shift(config: Any, mu: float | None) -> float:
    """How far a scheduler of flow matching shifts the sigmas that it is given."""
    if mu is None or not config.get("use_dynamic_shifting"):
        return float(config.get("flow_shift", config.get("shift", 1.0)))
    return math.exp(mu) if config.get("time_shift_type", "exponential") == "exponential" else mu
