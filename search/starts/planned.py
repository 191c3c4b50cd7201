"""Starts of least predicted damage at every speed-up, and their pruned twins."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from search.calibration.placement import GapForecast, Placement, placements
from search.calibration.table import Calibration
from search.space import Space
from search.space.bind import Bound
from search.space.domains import nearest
from search.starts.calls import depths, ratios
from search.starts.writing import Params, written

SPEEDUPS = (3.0, 12.0)
"""Where warm starts are wanted: below, little is gained; above, little is left of the images."""

PRUNED = 0.5
"""Share of the tokens that full calls of planned starts prune. On pocket every member of the front
beyond 6.4x that was not tuned prunes in its full calls (``experiments/study/planned``)."""


OTHER = 3
"""Every how many planned starts one has the forecast that looks worse."""


def places_calls(space: Space) -> bool:
    """Whether a space can compute any single call and leave out any other, or plans them itself.

    Other rules, which place the full calls themselves, cannot express what is planned.
    """
    if space.spec.rule == "planned":
        return True
    entry = space.spec.entry("calls.depth")
    return entry is not None and entry.per == "call" and {0, "full"} <= set(entry.domain.values)


def planned(bound: Bound, placement: Placement) -> Params:
    """Parameters of a placement, with the output forecast between its full calls.

    Raises:
        NotInSpaceError: the space lacks its number of full calls, or the forecast.
    """
    wanted = depths(bound, placement.full, 0)
    wanted["forecast.output"] = placement.forecast
    if bound.spec.rule == "planned":
        wanted["refresh.full_calls"] = len(placement.full)
    return written(bound, wanted)


def side_by_side(
    forecasts: Sequence[Sequence[tuple[Placement, Params]]],
) -> list[tuple[Placement, Params]]:
    """Starts at each speed-up with the forecast of less predicted damage; every
    :data:`OTHER`-th with the other one, because a prediction can be wrong about all of them alike:
    at a high guidance scale lines look good and are not.

    Args:
        forecasts: for each forecast that a space has, starts at the same speed-ups.
    """
    if len(forecasts) < 2:
        return list(forecasts[0]) if forecasts else []
    chosen = []
    for place, starts in enumerate(zip(*forecasts, strict=True)):
        better, *others = sorted(starts, key=lambda start: start[0].damage)
        chosen.append(others[0] if place % OTHER == OTHER - 1 else better)
    return chosen


def pruned(bound: Bound, placement: Placement, params: Params) -> Params | None:
    """``params`` of a placement, with about the share :data:`PRUNED` of the tokens pruned wherever
    the space lets full calls prune; ``None`` where it does not."""
    layers = bound.context.topology.layers
    pruning = {
        name: nearest(bound.domain(name), PRUNED)
        for name in ratios(bound, placement.full, 0, PRUNED, layers)
    }
    return params | pruning if any(pruning.values()) else None


def spread_placements(
    calibration: Calibration,
    costs: Mapping[str, float],
    count: int,
    forecast: GapForecast = "linear",
) -> tuple[Placement, ...]:
    """Up to ``count`` placements, evenly spread over the logarithm of speed-up.

    The fastest first: they cost least to evaluate. Calls between full ones cost little, so that
    there is one plan for each number of full calls, and short runs have few of them.

    Args:
        costs: of a call by depth, ``"full"`` and ``"0"`` among them, in any unit.
        forecast: of the calls between the full ones.
    """
    left = {
        math.log(speedup(len(plan.full), calibration.calls, costs)): plan
        for plan in placements(calibration, forecast)
        if len(plan.full) < calibration.calls
    }
    low, high = (math.log(value) for value in SPEEDUPS)
    chosen: dict[float, Placement] = {}
    for place in range(min(count, len(left))):
        wanted = high - (high - low) * place / max(count - 1, 1)
        closest = min(left, key=lambda value: abs(value - wanted))
        chosen[closest] = left.pop(closest)
    return tuple(chosen[value] for value in sorted(chosen, reverse=True))


def speedup(full: int, calls: int, costs: Mapping[str, float]) -> float:
    """How much faster than the unpatched run one of ``full`` full calls is."""
    return calls * costs["full"] / (full * costs["full"] + (calls - full) * costs["0"])
