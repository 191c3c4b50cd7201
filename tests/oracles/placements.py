"""The slow, obvious way to place full calls: look at every placement."""

from __future__ import annotations

from collections.abc import Collection
from itertools import combinations

from search.calibration.damage import damage
from search.calibration.placement import GapForecast, Placement
from search.calibration.table import Calibration


def best_placement(
    calibration: Calibration, count: int, forecast: GapForecast, fixed: Collection[int] = (0,)
) -> Placement:
    """The placement of ``count`` full calls, with the ``fixed``, of least predicted damage."""
    found = []
    for rest in combinations(range(1, calibration.calls), count - 1):
        if not set(fixed) <= {0, *rest}:
            continue
        bare = Placement((0, *rest), 0.0, forecast)
        own = damage(calibration, bare.schedule(calibration.calls))
        found.append(Placement(bare.full, own, forecast))
    return min(found, key=lambda each: each.damage)
