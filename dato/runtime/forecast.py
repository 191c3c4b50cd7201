"""What stands in for a held value: the weights of the values computed before it.

A policy is told which calls computed a value, the newest first, and answers with one weight for
each value that it reads. Everything is known before the run, so a run only sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dato.schedule import MAX_VALUES, Schedule

HOLD = (1.0,)


class Policy(Protocol):
    """How a call reads the held values that it stands on."""

    def __call__(self, call: int, computed: Sequence[int]) -> tuple[float, ...]:
        """Weights of the values of ``computed``, the newest first; at most as many as those.

        Args:
            call: the call that reads.
            computed: the earlier calls that computed a value, the newest first; at least one.
        """
        ...


class PolicyOf(Protocol):
    """Makes the policy of a run."""

    def __call__(self, schedule: Schedule, timesteps: Sequence[float]) -> Policy:
        """The policy of a run of ``schedule``; ``timesteps`` has one entry for each call."""
        ...


def forecasts(schedule: Schedule, timesteps: Sequence[float]) -> Policy:
    """What the kinds of a schedule ask for: ``hold``, ``linear`` or ``fitted``."""

    def policy(call: int, computed: Sequence[int]) -> tuple[float, ...]:
        kind = schedule.kind(call)
        if kind.forecast == "linear":
            share = schedule.slope.at(call, schedule.calls) if kind.depth == 0 else 1.0
            return linear_weights(timesteps, call, computed, share)
        if kind.forecast == "fitted":
            return schedule.weights[call]
        return HOLD

    return policy


def linear_weights(
    timesteps: Sequence[float], call: int, computed: Sequence[int], share: float = 1.0
) -> tuple[float, ...]:
    """Weights of the straight line over the timesteps through two computed values.

    The two are the newest, and the newest of the others at another timestep: samplers of second
    order (Heun) call the denoiser twice at one. Where there is no such value, the newest is held.

    Args:
        timesteps: one for each call of the run.
        computed: the calls that computed a value, the newest first; at least one.
        share: of the way from the newest value to the line; 0 holds, and so reads one value.
    """
    if share == 0:
        return HOLD
    newest = timesteps[computed[0]]
    for place, other in enumerate(computed[1:MAX_VALUES], 1):
        if timesteps[other] != newest:
            step = share * (timesteps[call] - newest) / (newest - timesteps[other])
            return (1 + step, *[0.0] * (place - 1), -step)
    return HOLD
