"""A scatter of a study in a few lines of characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from search.pareto import Point

TRIAL, MEMBER = ("·", "dim"), ("●", "green")
LABEL = 6
"""Columns left of the axis."""


def scatter(trials: Sequence[Point], front: Sequence[Point], width: int, height: int) -> Text:
    """FID upwards over speed-up to the right, both on logarithmic scales.

    Args:
        trials, front: (speed-up, FID) points; a front member covers a trial.
        width, height: characters of the whole, axes and labels included.
    """
    columns, rows = width - LABEL - 1, height - 2
    points = [*trials, *front]
    if columns < 8 or rows < 2 or not points:
        return Text()
    right = max(speed for speed, _ in points)
    left = min(1.0, *(speed for speed, _ in points))
    top = max(value for _, value in points)
    cells: dict[tuple[int, int], tuple[str, str]] = {}
    for drawn, mark in ((trials, TRIAL), (front, MEMBER)):
        for speed, value in drawn:
            across = _share(math.log(speed / left), math.log(right / left))
            up = _share(math.log1p(value), math.log1p(top))
            cells[round((1 - up) * (rows - 1)), round(across * (columns - 1))] = mark
    text = Text(no_wrap=True)
    for row in range(rows):
        label = f"{top:.3g}" if row == 0 else "0" if row == rows - 1 else "FID" if row == 1 else ""
        text.append(f"{label:>{LABEL - 1}} │", "dim")
        for column in range(columns):
            text.append(*cells.get((row, column), (" ", "")))
        text.append("\n")
    text.append(" " * LABEL + "└" + "─" * columns + "\n", "dim")
    end = f"speed-up {right:.1f}x"
    text.append(f"{'':{LABEL}} {f'{left:.1f}x':<{max(columns - len(end), 0)}}{end}", "dim")
    return text


def _share(part: float, whole: float) -> float:
    return min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0
