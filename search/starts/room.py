"""How many trials of a study may be starts: the rest of its budget is searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from search.settings import BudgetSettings, WarmstartSettings

T = TypeVar("T")

STARTS = 2, 3
"""Starts are at most this share of the trials (numerator, denominator): what is never searched is
only what somebody thought of before."""


@dataclass(frozen=True)
class Room:
    """How many starts of each kind a study has room for.

    Args:
        front: of another study's front. planned: of least predicted damage. uniform: uniform ones.
    """

    front: int
    planned: int
    uniform: int

    @classmethod
    def of(
        cls, budget: BudgetSettings, warmstart: WarmstartSettings, front: int, plans: bool
    ) -> Room:
        """The room of a study's budget, beside the unpatched model. Another study's front, which
        was asked for by name, comes first; the others shrink alike.

        Args:
            front: how many schedules of another study there are.
            plans: whether the space can take planned starts.
        """
        trials = budget.trials or budget.default_trials
        left = max(trials * STARTS[0] // STARTS[1] - 1, 0)
        front = min(front, left)
        left -= front
        planned = with_twins(warmstart.optimal) if plans else 0
        wanted = planned + warmstart.count
        if wanted <= left:
            return cls(front, planned, warmstart.count)
        planned = -(-planned * left // wanted)
        return cls(front, planned, left - planned)


def with_twins(plans: int) -> int:
    """How many starts so many plans are: the faster half comes twice, see
    :mod:`search.starts.first_trials`."""
    return plans + plans // 2


def plans_within(starts: int) -> int:
    """The most plans that are at most so many starts."""
    plans = 0
    while with_twins(plans + 1) <= starts:
        plans += 1
    return plans


def parted(total: int, parts: int) -> tuple[int, ...]:
    """``total`` in ``parts`` that differ by 1 at most, the larger ones first."""
    each, more = divmod(total, parts)
    return tuple(each + (place < more) for place in range(parts))


def spread(values: Sequence[T], count: int) -> list[T]:
    """``count`` of the values, evenly spread over their order, both ends among them."""
    if count >= len(values):
        return list(values)
    return [values[place * (len(values) - 1) // max(count - 1, 1)] for place in range(count)]
