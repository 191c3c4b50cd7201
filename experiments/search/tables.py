"""The comparison as tables."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from itertools import product
from typing import Any

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


def summary(document: Mapping[str, Any]) -> str:
    """The README's table, in Markdown: medians over seeds, one column for each space."""
    lines = [f"| | cost | {' | '.join(SPACES.values())} |", "|---|---:|---:|---:|"]
    for method, (label, _) in LABELS.items():
        spaces = [runs_of(document, forecasts, method) for forecasts in SPACES]
        medians = [
            statistics.median(run["curve"][-1]["hypervolume"] for run in runs) for runs in spaces
        ]
        cost = spaces[0][0]["curve"][-1]["spent"]
        lines.append(f"| {label} | {cost:g} | {' | '.join(f'{each:.3f}' for each in medians)} |")
    return "\n".join(lines) + "\n"
