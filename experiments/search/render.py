"""The comparison as a plot and a table."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from itertools import product
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


SPACES = {"searched": "with forecasts", "held": "everything repeated"}


def runs_of(document: Mapping[str, Any], forecasts: str, method: str) -> list[Mapping[str, Any]]:
    """The runs of one method in one of the spaces, by seed."""
    wanted = (forecasts, method)
    return [run for run in document["runs"] if (run["forecasts"], run["method"]) == wanted]


def reached(run: Mapping[str, Any], hypervolume: float) -> float | None:
    """What the run had spent when its audited front first was that good."""
    for point in run["curve"]:
        if point["hypervolume"] >= hypervolume:
            return float(point["spent"])
    return None


def table(document: Mapping[str, Any]) -> str:
    """Medians over seeds with the range, in Markdown."""
    lines = [
        "| space | method | trials | cost | audited hypervolume, median (range) "
        "| cost to the published search's final one, by seed |",
        "|---|---|---:|---:|---:|---|",
    ]
    for (forecasts, space), (method, (label, _)) in product(SPACES.items(), LABELS.items()):
        runs = runs_of(document, forecasts, method)
        if not runs:
            continue
        target = {
            run["seed"]: run["curve"][-1]["hypervolume"]
            for run in runs_of(document, forecasts, "published")
        }
        final = [run["curve"][-1]["hypervolume"] for run in runs]
        costs = [reached(run, target[run["seed"]]) for run in runs if run["seed"] in target]
        said = ", ".join("not reached" if cost is None else f"{cost:g}" for cost in costs)
        lines.append(
            f"| {space} | {label} | {statistics.median(len(run['trials']) for run in runs):g} "
            f"| {runs[0]['curve'][-1]['spent']:g} "
            f"| {statistics.median(final):.3f} ({min(final):.3f} to {max(final):.3f}) | {said} |"
        )
    return "\n".join(lines) + "\n"


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
