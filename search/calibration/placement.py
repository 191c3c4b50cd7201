"""Where to compute: placements of full calls of least predicted damage.

All other calls forecast the output: linearly, or by holding it where a space has nothing better.
What a segment from one full call to the next costs depends on that full call and the one before it.
So the state of the programme is (previous, last), and only the best way to reach a state is kept.
Exact for the damage of :mod:`search.calibration.damage`, but for samplers that call twice at a
timestep, whose straight lines may reach one call further back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dato import Kind, Schedule
from dato.runtime.forecast import HOLD, linear_weights
from search.calibration.table import Calibration
from search.space.full_calls import outside

LONGEST = 250
"""Calls of the longest run that is planned: memory grows with their third power (125 MB)."""

FEWEST = 3
"""Full calls of the fastest plan: with two there is one straight line, which nobody wants."""

Table = NDArray[np.float64]
"""(calls, calls, calls + 1): damage of the segment from p to q after a full call p0, at
[p0, p, q]; the first call, which has none before it, is its own p0."""


GapForecast = Literal["linear", "hold"]
"""The forecast of the calls between the full ones, the better one first."""


@dataclass(frozen=True)
class Placement:
    """Full calls, the first of them 0, and the predicted damage of the run."""

    full: tuple[int, ...]
    damage: float
    forecast: GapForecast = "linear"

    def schedule(self, calls: int) -> Schedule:
        """The schedule: full calls, and the output forecast in between."""
        full = set(self.full)
        steps = tuple("full" if call in full else "forecast" for call in range(calls))
        kinds = {"full": Kind(), "forecast": Kind(0, forecast=self.forecast)}
        return Schedule({name: kinds[name] for name in dict.fromkeys(steps)}, steps)


def placements(calibration: Calibration, forecast: GapForecast = "linear") -> tuple[Placement, ...]:
    """The best placement of every number of full calls, from :data:`FEWEST` to all of them.

    Empty for runs of more than :data:`LONGEST` calls.
    """
    calls = calibration.calls
    if calls > LONGEST:
        return ()
    return best_of(segment_damages(calibration, forecast), range(calls), forecast)


def best_of(costs: Table, cached: range, forecast: GapForecast = "linear") -> tuple[Placement, ...]:
    """The best placement of every number of full calls that there can be.

    Args:
        costs: the damage of every segment.
        cached: calls that need not be full.
    """
    calls = len(costs)
    costs = _allowed(costs, cached)
    best = np.full((calls, calls), np.inf)
    best[0, 0] = 0.0
    origins: list[NDArray[np.intp]] = []
    cheapest: list[Placement] = []
    for count in range(1, calls + 1):
        ends = best + costs[:, :, calls]
        place = int(ends.argmin())
        damage = float(ends.flat[place])
        if count >= min(FEWEST, calls) and damage < np.inf:
            cheapest.append(Placement(_trace(origins, *divmod(place, calls)), damage, forecast))
        reached = best[:, :, None] + costs[:, :, :calls]
        origins.append(reached.argmin(0))
        best = reached.min(0)
    return tuple(cheapest)


def _allowed(costs: Table, cached: range) -> Table:
    """``costs`` without the segments that pass over a call outside ``cached``."""
    calls = len(costs)
    known = outside(calls, cached)
    if len(known) == 1:
        return costs
    costs = costs.copy()
    for last in range(calls):
        furthest = next((call for call in range(last + 1, calls) if call in known), calls)
        costs[:, last, furthest + 1 :] = np.inf
    return costs


def _trace(origins: list[NDArray[np.intp]], before: int, last: int) -> tuple[int, ...]:
    """The full calls that led to a state, read backwards."""
    full = [last]
    for origin in reversed(origins):
        full.append(before)
        before, last = int(origin[before, last]), before
    return tuple(reversed(full))


def segment_damages(calibration: Calibration, forecast: GapForecast) -> Table:
    """The damage of every segment; infinite where there is none."""
    calls = calibration.calls
    costs = np.full((calls, calls, calls + 1), np.inf)
    for last in range(calls):
        for before in range(last) if last else (0,):
            costs[before, last, last + 1 :] = _segments(calibration, forecast, before, last)
    return costs


def _segments(
    calibration: Calibration, forecast: GapForecast, before: int, last: int
) -> NDArray[np.float64]:
    """(calls - last,): the damage of the segments from ``last`` that end at each later call."""
    calls, path = calibration.calls, calibration.path
    timesteps = calibration.timesteps.tolist()
    computed = [last, before] if last else [last]
    later = range(last + 1, calls)
    errors = np.eye(calls)[last + 1 :]
    for row, call in zip(errors, later, strict=True):
        line = forecast == "linear"
        weights = linear_weights(timesteps, call, computed) if line else HOLD
        row[computed[: len(weights)]] -= weights
    if path is not None:
        errors *= path.moves[last + 1 :, None]
    products = errors @ calibration.output @ errors.T
    if path is None:
        sums = products.diagonal().cumsum()
    else:
        sums = products.cumsum(0).cumsum(1).diagonal() * path.gains[last + 2 :] ** 2
    sums = np.maximum(np.append(0.0, sums), 0.0)
    cheapest: NDArray[np.float64] = sums / calibration.output.diagonal().mean()
    return cheapest
