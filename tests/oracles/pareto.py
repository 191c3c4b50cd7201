"""Pareto fronts by the definitions: slow and obvious."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

Point = tuple[float, float]


def beats(one: Point, other: Point) -> bool:
    """Whether ``one`` is at least as good in both minimised objectives, and better in one."""
    return one[0] <= other[0] and one[1] <= other[1] and one != other


def non_dominated(points: Sequence[Point]) -> set[int]:
    """Indices of unbeaten points, the first of equal ones."""
    return {
        index
        for index, point in enumerate(points)
        if not any(beats(other, point) for other in points) and point not in points[:index]
    }


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """Area of the grid cells (between all coordinates) that some point dominates."""
    columns = sorted({min(first, reference[0]) for first, _ in points} | {reference[0]})
    rows = sorted({min(second, reference[1]) for _, second in points} | {reference[1]})
    return sum(
        (right - left) * (top - bottom)
        for left, right in pairwise(columns)
        for bottom, top in pairwise(rows)
        if any(first <= left and second <= bottom for first, second in points)
    )
