"""A schedule in one line of text."""

from __future__ import annotations

from collections import Counter

from dato import Schedule

BLOCKS = "▂▃▄▅▆▇"
REUSED = "▁"
FULL = "█"
BRANCHES = 12
"""Skip branches that a strip's height is scaled to, unless the schedule goes deeper."""


def summary(schedule: Schedule) -> str:
    """Calls by depth, such as ``"5 full, 30 at depth 1, 15 reused"``."""
    depths = Counter(schedule.kind(call).depth for call in range(schedule.calls))
    full, reused = depths.pop("full", 0), depths.pop(0, 0)
    between = sorted(((depth, n) for depth, n in depths.items() if depth != "full"), reverse=True)
    parts = [f"{full} full", *(f"{count} at depth {depth}" for depth, count in between)]
    return ", ".join([*parts, f"{reused} reused"] if reused else parts)


def strip(schedule: Schedule) -> str:
    """One character a call: ``█`` full, ``▁`` reused, the height in between is the depth."""
    kinds = [schedule.kind(call).depth for call in range(schedule.calls)]
    deepest = max([BRANCHES, *(depth for depth in kinds if depth != "full")])

    def block(depth: object) -> str:
        if not isinstance(depth, int):
            return FULL
        return REUSED if depth == 0 else BLOCKS[(depth - 1) * len(BLOCKS) // deepest]

    return "".join(block(depth) for depth in kinds)
