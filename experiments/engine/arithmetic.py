"""What a schedule would gain if time were arithmetic: counted on the meta device."""

from __future__ import annotations

from collections import Counter
from functools import cache

import torch
from torch.utils.flop_counter import FlopCounterMode

import dato
from dato import Schedule
from experiments.engine.contenders import Recipe
from experiments.engine.pipelines import SharedUNet


def flops(shared: SharedUNet, schedule: Schedule) -> int:
    """Floating-point operations (two for a multiply-add) of the guided calls of a run.

    Each kind is counted at its first call: later ones have the same shapes.
    """
    pipe = dato.apply(shared.pipe(), schedule)
    pipe.scheduler.set_timesteps(schedule.calls)
    arguments = shared.call()
    left, total = Counter(schedule.steps), 0
    for step, timestep in zip(schedule.steps, pipe.scheduler.timesteps, strict=True):
        with FlopCounterMode(display=False) as counter:
            pipe.denoise(timestep=timestep, **arguments)
        total += left.pop(step, 0) * counter.get_total_flops()
        if not left:
            break
    return total


@cache
def implied(name: str, latent: int, calls: int, recipe: Recipe) -> float:
    """How many times fewer operations a schedule needs than the unpatched denoiser."""
    shared = SharedUNet.of(name, 1, latent, "meta", torch.float32)
    schedule = recipe(calls, shared.architecture)
    return flops(shared, Schedule.full(calls)) / flops(shared, schedule)
