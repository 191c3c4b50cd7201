"""How many steps a pipeline's scheduler needs for a number of denoiser calls. Imports no torch."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import Any


def calls_of(scheduler: Any, steps: int, given: Mapping[str, Any] = {}) -> int:
    """Denoiser calls of a run of so many steps; leaves the scheduler as it is.

    Args:
        given: timesteps, as the scheduler takes them instead of its own.
    """
    # How far a size shifts the timesteps changes where they are, and not how many.
    shift = {"mu": 0.5} if scheduler.config.get("use_dynamic_shifting") else {}
    copied = copy.deepcopy(scheduler)
    # Of the class: a schedule that is applied stands in for the scheduler's own.
    with warnings.catch_warnings(action="ignore"):
        type(copied).set_timesteps(copied, **(given or {"num_inference_steps": steps}), **shift)
    return len(copied.timesteps)


def steps_of(scheduler: Any, calls: int) -> int | None:
    """The number of steps that make so many calls; None where no number does.

    Raises:
        ValueError: the scheduler does not say.
    """
    failures = list[Exception]()
    for steps in range(calls, 0, -1):
        try:
            if calls_of(scheduler, steps) == calls:
                return steps
        except Exception as error:  # a sampler may need more steps, or what only a run knows
            failures.append(error)
    if len(failures) == calls:
        reason = f"{type(scheduler).__name__} does not say how many calls it makes"
        raise ValueError(f"{reason} ({failures[0]}).") from failures[0]
    return None


def one_call_a_step(scheduler: Any) -> str:
    """The line that sets a sampler of the same kind of model with a call for each step."""
    kind = "FlowMatchEuler" if "FlowMatch" in type(scheduler).__name__ else "Euler"
    return f"pipe.scheduler = {kind}DiscreteScheduler.from_config(pipe.scheduler.config)"
