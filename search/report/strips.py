"""Schedules as rows of bars: calls from left to right, depth as height, pruning as shade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dato import Kind, Schedule
from search.records.record import StudyResult
from search.records.schedule_text import BRANCHES

HEIGHT = 40
"""Height of a full call's bar, in the strip's own units; a call is 10 wide."""


@dataclass(frozen=True)
class Bar:
    """One call: ``height`` in units, ``shade`` the highest pruning ratio (0..1), a tooltip."""

    call: int
    height: float
    shade: float
    title: str

    @property
    def css(self) -> str:
        """Class of the bar: reused, kept whole, or one of three shades of pruning."""
        if self.height == 0:
            return "reuse"
        return "p0" if self.shade == 0 else f"p{min(3, 1 + int(self.shade / 0.25))}"


def strips(result: StudyResult) -> Mapping[str, tuple[Bar, ...]]:
    """Bars by member name, for the unpatched pipeline and every front member with a schedule."""
    return {
        member.name: bars(member.record.schedule)
        for member in (*([result.baseline] if result.baseline else []), *result.front)
        if member.record.schedule is not None
    }


def bars(schedule: Schedule) -> tuple[Bar, ...]:
    """One bar a call."""
    depths = [kind.depth for kind in schedule.kinds.values() if kind.depth != "full"]
    deepest = max([BRANCHES, *depths])
    return tuple(_bar(call, schedule.kind(call), deepest) for call in range(schedule.calls))


def _bar(call: int, kind: Kind, deepest: int) -> Bar:
    ratios = ", ".join(f"{layer} {ratio:g}" for layer, ratio in kind.prune.items() if ratio)
    depth = "full" if kind.depth == "full" else f"depth {kind.depth}" if kind.depth else "reused"
    title = f"call {call + 1}: {depth}" + (f", pruned {ratios}" if ratios else "")
    share = 1.0 if kind.depth == "full" else kind.depth and 0.16 + 0.72 * kind.depth / deepest
    return Bar(call, round(HEIGHT * share, 1), max(kind.prune.values(), default=0.0), title)
