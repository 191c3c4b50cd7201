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
        forecast = schedule.kind(call).forecast
        if forecast == "linear":
            return linear_weights(timesteps, call, computed)
        if forecast == "fitted":
            return schedule.weights[call]
        return HOLD

    return policy


def linear_weights(
    timesteps: Sequence[float], call: int, computed: Sequence[int]
) -> tuple[float, ...]:
    """Weights of the straight line over the timesteps through two computed values.

    The two are the newest, and the newest of the others at another timestep: samplers of second
    order (Heun) call the denoiser twice at one. Where there is no such value, the newest is held.

    Args:
        timesteps: one for each call of the run.
        computed: the calls that computed a value, the newest first; at least one.
    """
    newest = timesteps[computed[0]]
    for place, other in enumerate(computed[1:MAX_VALUES], 1):
        if timesteps[other] != newest:
            slope = (timesteps[call] - newest) / (newest - timesteps[other])
            return (1 + slope, *[0.0] * (place - 1), -slope)
    return HOLD
