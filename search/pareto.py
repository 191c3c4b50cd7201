"""Pareto fronts of two minimised objectives.

Written out because Optuna's are private, and a knee and a share of a box need more than those.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Point = tuple[float, float]


def non_dominated(points: Sequence[Point]) -> tuple[int, ...]:
    """Indices of the points that no other point beats, in order of the first objective.

    Both objectives are minimised. A point beats another if it is at least as good in both and
    better in one. Of equal points the first is kept. O(n log n).

    Raises:
        ValueError: an objective is NaN or infinite (failed trials have no objectives).
    """
    _check(points)
    kept: list[int] = []
    best = math.inf
    for index in sorted(range(len(points)), key=lambda index: (*points[index], index)):
        if points[index][1] < best:
            best = points[index][1]
            kept.append(index)
    return tuple(kept)


def hypervolume(points: Sequence[Point], reference: Point) -> float:
    """Area that ``points`` dominate inside the corner ``reference``; larger is better.

    Points that are not better than ``reference`` in both objectives add nothing.

    Raises:
        ValueError: an objective is NaN or infinite.
    """
    _check([*points, reference])
    inside = [point for point in points if point[0] < reference[0] and point[1] < reference[1]]
    area, ceiling = 0.0, reference[1]
    for index in non_dominated(inside):
        first, second = inside[index]
        area += (reference[0] - first) * (ceiling - second)
        ceiling = second
    return area


def knee(points: Sequence[Point]) -> int:
    """Index of the balanced point of (latency, quality loss) ``points``.

    The non-dominated point farthest below the chord between the ends of the front, with both
    axes scaled to 0..1 and latency on a log axis first, so that going from 2x to 4x counts like
    4x to 8x (Das 1999, "On characterizing the knee of the Pareto curve"; Satopaa et al. 2011,
    "Finding a Kneedle in a Haystack"). A front without such a point gives its fastest.

    Raises:
        ValueError: there are no points, a latency is not above 0, or an objective not finite.
    """
    front = non_dominated(points)
    if not front:
        raise ValueError("There are no points, and a knee needs at least one.")
    fast, slow = points[front[0]], points[front[-1]]
    if fast[0] <= 0:
        raise ValueError(f"The latency {fast[0]!r} is not above 0 seconds.")
    span = math.log(slow[0]) - math.log(fast[0])
    drop = fast[1] - slow[1]
    if span <= 0 or drop <= 0:
        return front[0]

    def below_chord(index: int) -> float:
        latency, loss = points[index]
        along = (math.log(latency) - math.log(fast[0])) / span
        return (1 - along) - (loss - slow[1]) / drop

    return max(front, key=lambda index: (round(below_chord(index), 12), -points[index][0]))


def _check(points: Sequence[Point]) -> None:
    for point in points:
        if not (math.isfinite(point[0]) and math.isfinite(point[1])):
            raise ValueError(f"The objectives {point!r} are not finite numbers.")
