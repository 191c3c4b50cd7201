"""Schedules and plain runs in a few words, for tables."""

from __future__ import annotations

from dato import Schedule
from search.records.rival import Rival
from search.records.sampler_titles import sampler_title

FORECASTS = {"hold": "reused", "linear": "forecast linearly", "fitted": "fitted"}


def words(schedule: Schedule | None) -> str:
    """Such as ``"8 full, 0.1 pruned; 42 forecast linearly"``; empty where there is none."""
    if schedule is None:
        return ""
    parts = []
    for name in dict.fromkeys(schedule.steps):
        kind = schedule.kinds[name]
        does = "full" if kind.depth == "full" else FORECASTS[kind.forecast]
        pruned = f", {max(kind.prune.values()):g} pruned" if kind.prune else ""
        parts.append(f"{schedule.steps.count(name)} {does}{pruned}")
    tuned = "" if schedule.tuned is None else ", at tuned timesteps"
    return f"{'; '.join(parts)}{tuned}"


def plain_run(rival: Rival) -> str:
    """Such as ``"UniPC, 8 steps, planned timesteps"``."""
    return ", ".join(
        (sampler_title(rival.scheduler), f"{rival.steps} steps", *rival.timesteps.words)
    )
