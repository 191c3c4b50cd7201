"""A schedule of full and skipped calls, written as a tuned sampler: where tuning begins."""

from __future__ import annotations

from typing import Any

from dato import Schedule, TunedSampler
from dato.runtime.forecast import forecasts
from dato.runtime.fusion import skipped_calls
from dato.sampler.noise_levels import noise_levels
from dato.sampler.traced import traced
from dato.sampler.traits import FLOW
from dato.tuned import MAX_OUTPUTS
from search.errors import TrialError
from search.tuning.in_noises import noise_sums

_PURE = 1e-4
"""Share of the clean sample in what a run begins with, below which that is pure noise."""


def written(schedule: Schedule, scheduler: Any) -> TunedSampler:
    """The sampler that a fused schedule is: equal to it where each gap reads three noises or fewer,
    as straight lines on DDIM do, close to it on multistep samplers, which read all before.

    Where a run begins at pure noise, as DDIM's does with rescaled betas, its first output says
    nothing of the noise. So the gap after the second call holds, whatever its schedule does.
    Multistep samplers begin with 2^-12 of the clean sample, and keep what they make of it.

    Args:
        schedule: of full and skipped calls; one of full calls alone is its scheduler.
        scheduler: after ``set_timesteps`` for the schedule's calls
            (:func:`search.model.begun.begun`).

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
    rows = noise_sums(levels, timesteps, trace.updates)
    if len(rows) > 1 and float(levels.at(timesteps)[0][0]) < _PURE and levels.kind != FLOW:
        rows[1, 0] = 0
    weights = tuple(_newest_first(row[: call + 1].tolist()) for call, row in enumerate(rows))
    return TunedSampler(tuple(timesteps.tolist()), weights)


def _newest_first(row: list[float]) -> tuple[float, ...]:
    """At most three weights that sum to 1: what is older counts for the third."""
    *older, before = row[:-1] or [0.0]
    earlier = (before, sum(older))[: min(len(row), MAX_OUTPUTS) - 1]
    return (1 - sum(earlier), *earlier)


def tuned_schedule(schedule: Schedule, sampler: TunedSampler) -> Schedule:
    """The computed calls of a schedule, with the pruning that they have, under a tuned sampler."""
    steps = tuple(name for name in schedule.steps if schedule.kinds[name].depth == "full")
    kinds = {name: schedule.kinds[name] for name in dict.fromkeys(steps)}
    return Schedule(kinds, steps, schedule.tokens, tuned=sampler)
