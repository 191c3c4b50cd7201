"""Schedules as rows of bars: calls from left to right, depth as height, pruning as shade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dato import Schedule
from search.records.result import StudyResult
from search.records.schedule_text import BRANCHES, action

HEIGHT = 40
"""Height of a full call's bar, in the strip's own units; a call is 10 wide."""


@dataclass(frozen=True)
class Bar:
    """One call.

    Args:
        height: how much is recomputed, in units.
        shade: the highest pruning ratio, 0 to 1.
        title: a tooltip.
        forecast: whether what is not recomputed is forecast, and not reused.
    """

    call: int
    height: float
    shade: float
    title: str
    forecast: bool

    @property
    def css(self) -> str:
        """Class of the bar: forecast, reused, kept whole, or one of three shades of pruning."""
        if self.height == 0:
            return "forecast" if self.forecast else "reuse"
        return "p0" if self.shade == 0 else f"p{min(3, 1 + int(self.shade / 0.25))}"


def strips(result: StudyResult) -> Mapping[str, tuple[Bar, ...]]:
    """Bars of the unpatched pipeline and of each front member with a schedule, by name."""
    return {
        member.name: bars(member.record.schedule)
        for member in (*([result.baseline] if result.baseline else []), *result.front)
        if member.record.schedule is not None
    }


def bars(schedule: Schedule) -> tuple[Bar, ...]:
    """One bar a call."""
    depths = [kind.depth for kind in schedule.kinds.values() if kind.depth != "full"]
    deepest = max([BRANCHES, *depths])
    return tuple(_bar(schedule, call, deepest) for call in range(schedule.calls))


def _bar(schedule: Schedule, call: int, deepest: int) -> Bar:
    kind = schedule.kind(call)
    ratios = ", ".join(f"{layer} {ratio:g}" for layer, ratio in kind.prune.items() if ratio)
    title = f"call {call + 1}: {action(kind.depth, kind.forecast)}{_slope(schedule, call)}" + (
        f", pruned {ratios}" if ratios else ""
    )
    share = 1.0 if kind.depth == "full" else kind.depth and 0.16 + 0.72 * kind.depth / deepest
    shade, forecast = max(kind.prune.values(), default=0.0), kind.forecast != "hold"
    return Bar(call, round(HEIGHT * share, 1), shade, title, forecast)


def _slope(schedule: Schedule, call: int) -> str:
    """How far along its line a call goes; empty for all the way."""
    kind = schedule.kind(call)
    share = schedule.slope.at(call, schedule.calls)
    straight = kind.depth != 0 or kind.forecast != "linear" or share == 1
    return "" if straight else f", slope {share:.2f}"
