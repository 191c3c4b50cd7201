"""Where a study's space puts full calls: see :class:`search.space.context.Placed`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from search.calibration.placement import GapForecast, Table, best_of, placements, segment_damages
from search.calibration.table import Calibration
from search.space.full_calls import evenly, outside

Plans = Mapping[int, tuple[int, ...]]
"""Full calls by their number."""


@dataclass(frozen=True)
class Planned:
    """Placements of least predicted damage.

    Args:
        plans: for straight lines, where any call may be left out but the first; what is equal in
            them is equal.
        calibration: what all other plans are made from, when first asked for.
    """

    plans: Plans
    calibration: Calibration = field(compare=False, repr=False)
    _others: dict[tuple[GapForecast, range], Plans] = field(
        default_factory=dict, compare=False, repr=False
    )
    _segments: dict[GapForecast, Table] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, calibration: Calibration) -> Self:
        """The best placement of every number of full calls."""
        return cls({len(plan.full): plan.full for plan in placements(calibration)}, calibration)

    def __call__(
        self, calls: int, count: int, cached: range, holds: bool = False
    ) -> tuple[int, ...]:
        """Too few full calls to plan, or too long a run, are placed evenly."""
        count = max(count, len(outside(calls, cached)))
        return self._within(calls, cached, holds).get(count) or evenly(calls, count, cached)

    def _within(self, calls: int, cached: range, holds: bool) -> Plans:
        if not self.plans or (not holds and len(outside(calls, cached)) == 1):
            return self.plans
        forecast: GapForecast = "hold" if holds else "linear"
        if (forecast, cached) not in self._others:
            plans = best_of(self._damages(forecast), cached, forecast)
            self._others[forecast, cached] = {len(plan.full): plan.full for plan in plans}
        return self._others[forecast, cached]

    def _damages(self, forecast: GapForecast) -> Table:
        if forecast not in self._segments:
            self._segments[forecast] = segment_damages(self.calibration, forecast)
        return self._segments[forecast]

    def __hash__(self) -> int:
        return hash(tuple(self.plans.items()))
