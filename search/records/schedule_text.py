"""A schedule in one line of text."""

from __future__ import annotations

import math
from collections import Counter

from dato import Kind, Schedule
from dato.preset.words import FORECASTS
from dato.schedule import Depth, Forecast

BLOCKS = "▂▃▄▅▆▇"
REUSED = "▁"
FORECAST = "~"
FULL = "█"
BRANCHES = 12
"""Skip branches that a strip's height is scaled to, unless the schedule goes deeper."""


def summary(schedule: Schedule) -> str:
    """Calls by what they do, such as ``"5 full, 30 at depth 1, 15 forecast linearly"``."""
    kinds = (schedule.kind(call) for call in range(schedule.calls))
    counts = Counter((kind.depth, kind.forecast) for kind in kinds)
    order = sorted(counts, key=lambda each: -(math.inf if each[0] == "full" else each[0]))
    return ", ".join(f"{counts[each]} {action(*each)}" for each in order)


def action(depth: Depth, forecast: Forecast) -> str:
    """What a call does, such as ``"full"``, ``"at depth 1"`` or ``"forecast linearly"``."""
    if depth == "full":
        return "full"
    if depth == 0:
        return FORECASTS[forecast]
    return f"at depth {depth}" + ("" if forecast == "hold" else f" ({FORECASTS[forecast]})")


def strip(schedule: Schedule) -> str:
    """One character a call.

    ``█`` is full, ``▁`` reused and ``~`` forecast; the height of every other is its depth.
    """
    kinds = [schedule.kind(call) for call in range(schedule.calls)]
    deepest = max([BRANCHES, *(kind.depth for kind in kinds if kind.depth != "full")])

    def block(kind: Kind) -> str:
        if kind.depth == "full":
            return FULL
        if kind.depth == 0:
            return REUSED if kind.forecast == "hold" else FORECAST
        return BLOCKS[(kind.depth - 1) * len(BLOCKS) // deepest]

    return "".join(map(block, kinds))
