"""The comparison as a plot."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from experiments.search.tables import LABELS, SPACES, runs_of


def plot(document: Mapping[str, Any], path: Path) -> None:
    """Audited hypervolume over cost: median line, range over seeds; dashed without forecasts."""
    figure, axes = plt.subplots(figsize=(7.5, 4.6), dpi=130, layout="constrained")
    for forecasts, (method, (label, colour)) in product(SPACES, LABELS.items()):
        runs = runs_of(document, forecasts, method)
        if not runs:
            continue
        style = "o-" if forecasts == "searched" else "o--"
        name = label if forecasts == "searched" else None
        costs = [point["spent"] for point in runs[0]["curve"]]
        columns: Sequence[Sequence[float]] = [
            [run["curve"][place]["hypervolume"] for run in runs] for place in range(len(costs))
        ]
        middle = [statistics.median(column) for column in columns]
        axes.plot(costs, middle, style, color=colour, label=name, markersize=4)
        axes.fill_between(
            costs, [min(c) for c in columns], [max(c) for c in columns], color=colour, alpha=0.15
        )
    axes.set_title(f"solid: {SPACES['searched']}; dashed: {SPACES['held']}", fontsize=9)
    axes.set_xscale("log")
    axes.set_xlabel("cost in unpatched images (a call counts its share of a full one)")
    axes.set_ylabel("audited hypervolume")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="best", fontsize=7)
    figure.savefig(path)
    plt.close(figure)
