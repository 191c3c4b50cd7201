"""A schedule in one line of text."""

from __future__ import annotations

import math
from collections import Counter

from dato import Kind, Schedule
from dato.preset.words import FORECASTS, slopes
from dato.schedule import Depth, Forecast
from search.records.record import TrialRecord

BLOCKS = "▂▃▄▅▆▇"
REUSED = "▁"
FORECAST = "~"
FULL = "█"
BRANCHES = 12
"""Skip branches that a strip's height is scaled to, unless the schedule goes deeper."""


def summary(schedule: Schedule) -> str:
    """Calls by what they do, such as ``"5 full, 30 at depth 1, 15 forecast linearly"``, and how far
    along their lines outputs go: ``"5 full, 45 forecast linearly (slopes 0.4 to 1.6)"``."""
    kinds = (schedule.kind(call) for call in range(schedule.calls))
    counts = Counter((kind.depth, kind.forecast) for kind in kinds)
    order = sorted(counts, key=lambda each: -_depth(each[0]))
    words = [f"{counts[each]} {action(*each)}" for each in order]
    if slopes(schedule.slope):
        words[order.index((0, "linear"))] += f" ({slopes(schedule.slope)})"
    if schedule.tuned is not None:
        words[-1] += " at tuned timesteps"
    return ", ".join(words)


def calls_of(record: TrialRecord) -> str:
    """What the calls of a trial do, after the base that they belong to where the space lists
    several; empty without a schedule."""
    if record.schedule is None:
        return ""
    text = summary(record.schedule)
    if record.base is not None:
        return f"{record.base.title}: {text}"
    return f"own sampler: {text}" if "base" in record.params else text


def brief_calls(record: TrialRecord) -> str:
    """The calls of a trial in a few letters, such as ``"6 full, 44 linear"``, for a table."""
    if record.schedule is None:
        return ""
    kinds = (record.schedule.kind(call) for call in range(record.schedule.calls))
    counts = Counter((_depth(kind.depth), _brief(kind)) for kind in kinds)
    ordered = sorted(counts, key=lambda each: (-each[0], each[1]))
    text = ", ".join(f"{counts[each]} {each[1]}" for each in ordered)
    if record.schedule.tuned is not None:
        return f"{text}, tuned"
    return text if record.base is None else f"{record.base.title}: {text}"


def _depth(depth: Depth) -> float:
    return math.inf if depth == "full" else depth


def _brief(kind: Kind) -> str:
    if kind.depth == 0:
        return "reused" if kind.forecast == "hold" else kind.forecast
    return "full" if kind.depth == "full" else f"depth {kind.depth}"


def action(depth: Depth, forecast: Forecast) -> str:
    """What a call does, such as ``"full"``, ``"at depth 1"`` or ``"forecast linearly"``."""
    if depth == "full":
        return "full"
    if depth == 0:
        return FORECASTS[forecast]
    return f"at depth {depth}" + ("" if forecast == "hold" else f" ({FORECASTS[forecast]})")


def pruning(schedule: Schedule) -> str:
    """The ratios of a schedule, such as ``"prunes 0.3 to 0.7"``, or ``"prunes nothing"``."""
    kinds = (schedule.kinds[name] for name in dict.fromkeys(schedule.steps))
    ratios = sorted({ratio for kind in kinds for ratio in kind.prune.values() if ratio > 0})
    if not ratios:
        return "prunes nothing"
    low, high = f"{ratios[0]:.2g}", f"{ratios[-1]:.2g}"
    return f"prunes {low}" if low == high else f"prunes {low} to {high}"


def legend(schedule: Schedule) -> str:
    """What the characters of a schedule's :func:`strip` mean, of those that it has."""
    shown = set(strip(schedule))
    words = [
        (FULL, "full call"),
        (REUSED, "repeats the last output"),
        (FORECAST, "output forecast from earlier ones"),
    ]
    entries = [f"{character} {word}" for character, word in words if character in shown]
    shallow = "".join(character for character in BLOCKS if character in shown)
    if shallow:
        entries.append(f"{shallow} recomputes that much of the depth")
    return f"One character for each call: {', '.join(entries)}."


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
