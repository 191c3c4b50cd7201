"""The slow, obvious way to place full calls: look at every placement."""

from __future__ import annotations

from itertools import combinations

from search.calibration.damage import damage
from search.calibration.placement import Between, Placement
from search.calibration.table import Calibration


def best_placement(calibration: Calibration, count: int, between: Between) -> Placement:
    """The placement of ``count`` full calls of least predicted damage."""
    found = []
    for rest in combinations(range(1, calibration.calls), count - 1):
        bare = Placement((0, *rest), 0.0, between)
        own = damage(calibration, bare.schedule(calibration.calls))
        found.append(Placement(bare.full, own, between))
    return min(found, key=lambda each: each.damage)
