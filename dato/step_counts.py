"""How many steps a pipeline's scheduler needs for a number of denoiser calls. Imports no torch."""

from __future__ import annotations

import copy
import warnings
from typing import Any


def calls_of(scheduler: Any, steps: int) -> int:
    """Denoiser calls of a run of so many steps; leaves the scheduler as it is."""
    # How far a size shifts the timesteps changes where they are, and not how many.
    shift = {"mu": 0.5} if scheduler.config.get("use_dynamic_shifting") else {}
    copied = copy.deepcopy(scheduler)
    # Of the class: a schedule that is applied stands in for the scheduler's own.
    with warnings.catch_warnings(action="ignore"):
        type(copied).set_timesteps(copied, num_inference_steps=steps, **shift)
    return len(copied.timesteps)


def steps_of(scheduler: Any, calls: int) -> int | None:
    """The number of steps that make so many calls; None where no number does.

    Raises:
        ValueError: the scheduler does not say.
    """
    tried = failed = 0
    for steps in range(calls, 0, -1):
        tried += 1
        try:
            if calls_of(scheduler, steps) == calls:
                return steps
        except Exception:  # a sampler may need more steps, or what only a run knows
            failed += 1
    if tried == failed:
        raise ValueError(f"{type(scheduler).__name__} says nothing of its calls")
    return None


def one_call_a_step(scheduler: Any) -> str:
    """The line that sets a sampler of the same kind of model with a call for each step."""
    kind = "FlowMatchEuler" if "FlowMatch" in type(scheduler).__name__ else "Euler"
    return f"pipe.scheduler = {kind}DiscreteScheduler.from_config(pipe.scheduler.config)"
