"""Where a study's space puts full calls: see :class:`search.space.context.Placed`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from search.calibration.placement import Table, best_of, placements, segment_damages
from search.calibration.table import Calibration
from search.space.full_calls import evenly, outside

Plans = Mapping[int, tuple[int, ...]]
"""Full calls by their number."""


@dataclass(frozen=True)
class Planned:
    """Placements of least predicted damage.

    Args:
        plans: where any call may be left out but the first; what is equal in them is equal.
        calibration: what plans for ranges of calls are made from, when first asked for.
    """

    plans: Plans
    calibration: Calibration = field(compare=False, repr=False)
    _ranges: dict[range, Plans] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, calibration: Calibration) -> Self:
        """The best placement of every number of full calls."""
        return cls({len(plan.full): plan.full for plan in placements(calibration)}, calibration)

    def __call__(self, calls: int, count: int, cached: range) -> tuple[int, ...]:
        """Too few full calls to plan, or too long a run, are placed evenly."""
        count = max(count, len(outside(calls, cached)))
        return self._within(calls, cached).get(count) or evenly(calls, count, cached)

    def _within(self, calls: int, cached: range) -> Plans:
        if len(outside(calls, cached)) == 1 or not self.plans:
            return self.plans
        if cached not in self._ranges:
            plans = best_of(self._segments, cached)
            self._ranges[cached] = {len(plan.full): plan.full for plan in plans}
        return self._ranges[cached]

    @cached_property
    def _segments(self) -> Table:
        return segment_damages(self.calibration, "linear")

    def __hash__(self) -> int:
        return hash(tuple(self.plans.items()))
