"""The numbers of a sampler that are tuned, and a sampler with other ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from dato import TunedSampler

MOST = 0.45
"""The most that a timestep moves at once, as a share of the shorter gap beside it. Two neighbours
that move towards each other keep a tenth of their distance."""

MOST_ADDED = 0.5
"""The most that is added to a weight at once. Few images may ask for weights of forty that cancel
each other, which then amplify whatever is a little different on others."""


@dataclass(frozen=True)
class Number:
    """One number of a sampler.

    Args:
        what: the timestep of a call; how far the gap after it goes along the line through the last
            two outputs; or how far it bends with the third.
        call: the number of the call.
    """

    what: Literal["timestep", "slope", "bend"]
    call: int

    @property
    def first(self) -> int:
        """The first call that is asked for something else when this number changes."""
        return self.call + (self.what != "timestep")


def numbers_of(calls: int) -> tuple[Number, ...]:
    """All that can change. The first timestep stays; the first gap reads a single output."""
    return (
        *(Number("timestep", call) for call in range(1, calls)),
        *(Number("slope", call) for call in range(1, calls)),
        *(Number("bend", call) for call in range(2, calls)),
    )


def moved(sampler: TunedSampler, numbers: Sequence[Number], steps: Sequence[float]) -> TunedSampler:
    """The sampler with other numbers; its timesteps fall, whatever the steps are.

    Args:
        steps: one for each number. A timestep's is a share of the shorter gap beside it, and at
            most :data:`MOST`; the others, at most :data:`MOST_ADDED`, are added to weights whose
            sum stays.
    """
    timesteps = list(sampler.timesteps)
    gaps = [before - after for before, after in pairwise((*timesteps, 0.0))]
    rows = [[*row, *[0.0] * (3 - len(row))] for row in sampler.weights]
    for number, step in zip(numbers, steps, strict=True):
        call, row = number.call, rows[number.call]
        if number.what == "timestep":
            timesteps[call] += max(-MOST, min(MOST, step)) * min(gaps[call - 1], gaps[call])
            continue
        added = max(-MOST_ADDED, min(MOST_ADDED, step))
        directions = (1, -1, 0) if number.what == "slope" else (1, -2, 1)
        rows[call] = [weight + added * each for weight, each in zip(row, directions, strict=True)]
    return TunedSampler(
        tuple(timesteps),
        tuple(tuple(row[: min(3, call + 1)]) for call, row in enumerate(rows)),
    )
