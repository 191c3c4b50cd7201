"""Uniform schedules to start a study from: intervals x ratios (x depths)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from dato import Schedule, Tokens
from dato.schedule import Forecast
from search.space.context import SpaceContext
from search.space.domains import Value

RATIOS = (0.0, 0.5, 0.3, 0.7)
PATTERNS = tuple(
    (interval, depth)
    for depth, intervals in (
        (1, (2, 3, 4, 5, 6, 8, 10, 13, 17, 20, 25)),
        (2, (2, 3, 5)),
        (3, (2, 3)),
    )
    for interval in intervals
)
"""Intervals and depths; beyond interval 5, depth 1 buys more speed than a greater depth."""

Params = dict[str, Value]
Encoder = Callable[[int, int, float, SpaceContext], Params | None]


@dataclass(frozen=True)
class Start:
    """An encoded uniform schedule and the logarithm of its rough cost."""

    ratio: float
    cost: float
    params: Params


def uniform(
    context: SpaceContext,
    interval: int,
    depth: int,
    ratio: float,
    tokens: Tokens,
    forecast: Forecast = "hold",
) -> Schedule:
    """The uniform schedule that prunes ``ratio`` of the finest level with self-attention."""
    prune = {f"level_{context.finest}": ratio} if ratio else {}
    return Schedule.uniform(
        context.calls, interval, depth, prune, tokens if ratio else Tokens(), forecast
    )


def spread(encoder: Encoder, context: SpaceContext, count: int) -> tuple[Params, ...]:
    """Up to ``count`` different encoded uniform schedules, evenly spread over log cost.

    From mild to extreme; the ratios take turns, so that each meets all speed-ups, and the last
    start has the largest.
    """
    left = _starts(encoder, context)
    if not left:
        return ()
    slow, fast = max(start.cost for start in left), min(start.cost for start in left)
    turns = [ratio for ratio in RATIOS if any(start.ratio == ratio for start in left)]
    chosen: list[Start] = []
    count = min(count, len(left))
    for index in range(count):
        wanted = slow + (fast - slow) * index / max(count - 1, 1)
        turn = turns[(index - count) % len(turns)]
        best = min(left, key=lambda start: (start.ratio != turn, abs(start.cost - wanted)))
        left.remove(best)
        chosen.append(best)
    return tuple(start.params for start in chosen)


def _starts(encoder: Encoder, context: SpaceContext) -> list[Start]:
    found: list[Start] = []
    for ratio in RATIOS:
        for interval, depth in PATTERNS:
            if interval > context.calls:
                continue
            params = encoder(interval, depth, ratio, context)
            if params is not None and all(params != start.params for start in found):
                found.append(Start(ratio, _cost(context, interval, depth, ratio), params))
    return found


def _cost(context: SpaceContext, interval: int, depth: int, ratio: float) -> float:
    """Log of a run's cost by a rule of thumb, only to order the starts before any measurement.

    A depth costs its share of the skip branches and pruning 0.7 saves a sixth, about what was
    measured on SD 1.5.
    """
    full = math.ceil(context.calls / interval)
    share = depth / context.topology.skip_branches
    return math.log((full + (context.calls - full) * share) * (1 - ratio / 4))
