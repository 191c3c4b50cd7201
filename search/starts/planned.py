"""Schedules that a study is started with: of least predicted damage at every speed-up."""

from __future__ import annotations

import math
from collections.abc import Mapping

from search.calibration.placement import Between, Placement, placements
from search.calibration.table import Calibration

SPEEDUPS = (3.0, 12.0)
"""Where warm starts are wanted: below, little is gained; above, little is left of the images."""


def planned_starts(
    calibration: Calibration, costs: Mapping[str, float], count: int, between: Between = "linear"
) -> tuple[Placement, ...]:
    """Up to ``count`` placements, evenly spread over the logarithm of speed-up.

    The fastest first: they cost least to evaluate. Calls between full ones cost little, so that
    there is one plan for each number of full calls, and short runs have few of them.

    Args:
        costs: of a call by depth, ``"full"`` and ``"0"`` among them, in any unit.
        between: the forecast of the calls between the full ones.
    """
    left = {
        math.log(speedup(len(plan.full), calibration.calls, costs)): plan
        for plan in placements(calibration, between)
        if len(plan.full) < calibration.calls
    }
    low, high = (math.log(value) for value in SPEEDUPS)
    chosen: dict[float, Placement] = {}
    for place in range(min(count, len(left))):
        wanted = high - (high - low) * place / max(count - 1, 1)
        closest = min(left, key=lambda own: abs(own - wanted))
        chosen[closest] = left.pop(closest)
    return tuple(chosen[own] for own in sorted(chosen, reverse=True))


def speedup(full: int, calls: int, costs: Mapping[str, float]) -> float:
    """How much faster than the unpatched run one of ``full`` full calls is."""
    return calls * costs["full"] / (full * costs["full"] + (calls - full) * costs["0"])
