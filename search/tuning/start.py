"""A schedule of full and skipped calls, written as a tuned sampler: where tuning begins."""

from __future__ import annotations

from typing import Any

import torch

from dato import Schedule, TunedSampler
from dato.runtime.forecast import forecasts
from dato.runtime.fusion import skipped_calls
from dato.sampler.noise_levels import noise_levels
from dato.sampler.traced import traced
from dato.sampler.tuned import coefficients
from dato.tuned import MAX_OUTPUTS
from search.errors import TrialError


def written(schedule: Schedule, scheduler: Any) -> TunedSampler:
    """The sampler that a fused schedule is: equal to it where its scheduler is DDIM or Euler's flow
    matching, close to it elsewhere.

    The weights of earlier outputs are read off the fused run's sums; the newest has the rest. Where
    a run begins at pure noise, its first output says nothing of the noise. So the gap after the
    second call holds, whatever its schedule does, and the images are better for it.

    Args:
        schedule: of full and skipped calls.
        scheduler: after ``set_timesteps`` for the schedule's calls.

    Raises:
        TrialError: a call is neither full nor skipped.
        dato.DatoError, NotLinearError: the scheduler has no such sums.
    """
    for kind in schedule.kinds.values():
        if kind.depth not in (0, "full"):
            raise TrialError(
                f"A schedule with calls of depth {kind.depth} is no sampler. Tune a member of full "
                "and skipped calls."
            )
    trace, _ = traced(scheduler, skipped_calls(schedule, scheduler, forecasts), schedule.quantity)
    levels = noise_levels(scheduler)
    timesteps = scheduler.timesteps.double().cpu()[list(trace.calls)]
    newest = torch.eye(1, MAX_OUTPUTS, dtype=torch.float64).repeat(len(timesteps), 1)
    alone = coefficients(levels, timesteps, newest).outputs
    one_more = coefficients(levels, timesteps, torch.ones_like(newest)).outputs - alone
    rows: list[tuple[float, ...]] = []
    for call, update in enumerate(trace.updates):
        earlier = [
            update.outputs.get(call - age, 0.0) / float(one_more[call, age])
            for age in range(1, min(MAX_OUTPUTS, call + 1))
        ]
        rows.append((1 - sum(earlier), *earlier))
    return TunedSampler(tuple(timesteps.tolist()), tuple(rows))


def tuned_schedule(schedule: Schedule, sampler: TunedSampler) -> Schedule:
    """The computed calls of a schedule, with the pruning that they have, under a tuned sampler."""
    steps = tuple(name for name in schedule.steps if schedule.kinds[name].depth == "full")
    kinds = {name: schedule.kinds[name] for name in dict.fromkeys(steps)}
    return Schedule(kinds, steps, schedule.tokens, tuned=sampler)
