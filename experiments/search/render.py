"""The comparison as a plot and a table."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LABELS = {
    "ours": ("ours", "#00798c"),
    "tpe": ("Optuna TPE", "#d1495b"),
    "nsga2": ("Optuna NSGA-II", "#edae49"),
    "random": ("random", "#8d96a3"),
    "published": ("published protocol (pymoo NSGA-II)", "#2e4057"),
}


def runs_of(document: Mapping[str, Any], method: str) -> list[Mapping[str, Any]]:
    """The runs of one method, by seed."""
    return [run for run in document["runs"] if run["method"] == method]


def reached(run: Mapping[str, Any], hypervolume: float) -> float | None:
    """What the run had spent when its audited front first was that good."""
    for point in run["curve"]:
        if point["hypervolume"] >= hypervolume:
            return float(point["spent"])
    return None


def table(document: Mapping[str, Any]) -> str:
    """Medians over seeds with the range, in Markdown."""
    target = {
        run["seed"]: run["curve"][-1]["hypervolume"] for run in runs_of(document, "published")
    }
    lines = [
        "| method | trials | cost | audited hypervolume, median (range) "
        "| cost to the published search's final one, by seed |",
        "|---|---:|---:|---:|---|",
    ]
    for method, (label, _) in LABELS.items():
        runs = runs_of(document, method)
        if not runs:
            continue
        final = [run["curve"][-1]["hypervolume"] for run in runs]
        costs = [reached(run, target[run["seed"]]) for run in runs if run["seed"] in target]
        said = ", ".join("not reached" if cost is None else f"{cost:g}" for cost in costs)
        lines.append(
            f"| {label} | {statistics.median(len(run['trials']) for run in runs):g} "
            f"| {runs[0]['curve'][-1]['spent']:g} "
            f"| {statistics.median(final):.3f} ({min(final):.3f} to {max(final):.3f}) | {said} |"
        )
    return "\n".join(lines) + "\n"


def plot(document: Mapping[str, Any], path: Path) -> None:
    """Audited hypervolume over cost: median line, range over seeds."""
    figure, axes = plt.subplots(figsize=(7.5, 4.6), dpi=130, layout="constrained")
    for method, (label, colour) in LABELS.items():
        runs = runs_of(document, method)
        if not runs:
            continue
        costs = [point["spent"] for point in runs[0]["curve"]]
        columns: Sequence[Sequence[float]] = [
            [run["curve"][place]["hypervolume"] for run in runs] for place in range(len(costs))
        ]
        middle = [statistics.median(column) for column in columns]
        axes.plot(costs, middle, "o-", color=colour, label=label, markersize=4)
        axes.fill_between(
            costs, [min(c) for c in columns], [max(c) for c in columns], color=colour, alpha=0.15
        )
    axes.set_xscale("log")
    axes.set_xlabel("cost in unpatched images (a call counts its share of a full one)")
    axes.set_ylabel("audited hypervolume")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="best")
    figure.savefig(path)
    plt.close(figure)
