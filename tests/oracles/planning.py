"""The slow, obvious way to plan: look at every sequence of depths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Literal

from dato import Kind, Schedule
from search.sensitivity.table import Sensitivity

Depth = int | Literal["full"]


def every_schedule(calls: int, depths: tuple[int, ...]) -> Iterator[Schedule]:
    """All schedules of full calls, ``depths`` and repeated outputs."""
    kinds: tuple[Depth, ...] = ("full", 0, *depths)
    for rest in product(kinds, repeat=calls - 1):
        steps = tuple(str(depth) for depth in ("full", *rest))
        yield Schedule({name: Kind(_depth(name)) for name in dict.fromkeys(steps)}, steps)


def _depth(name: str) -> Depth:
    return "full" if name == "full" else int(name)


def planned_front(
    sensitivity: Sensitivity, costs: Mapping[str, int], goal: str
) -> list[tuple[int, float]]:
    """(cost, damage) of the non-dominated schedules, by rising cost."""
    least: dict[int, float] = {}
    depths = tuple(depth for depth in sensitivity.damage if depth)
    for schedule in every_schedule(sensitivity.calls, depths):
        cost = sum(costs[name] for name in schedule.steps)
        damages = sensitivity.per_call(schedule)
        damage = sum(damages) if goal == "total" else max(damages)
        least[cost] = min(damage, least.get(cost, damage))
    front: list[tuple[int, float]] = []
    for cost in sorted(least):
        if not front or least[cost] < front[-1][1]:
            front.append((cost, least[cost]))
    return front
