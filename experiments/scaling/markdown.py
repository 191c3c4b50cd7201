"""Measured runs as a Markdown table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TEXT = ("storage", "sampler")


def table(runs: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    """One row a run, with what all runs measure behind its own columns.

    Args:
        columns: key in the run by heading; the first is text, the others are counts or text.
    """
    headings = [*columns, "trials/s", "ideal", "driver, ms a trial"]
    rule = ["---" if heading in TEXT else "---:" for heading in headings]
    rows = [headings, rule, *(_row(run, columns) for run in runs)]
    lines = ["|" + "|".join(row) + "|" if row is rule else f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _row(run: Mapping[str, Any], columns: Mapping[str, str]) -> list[str]:
    low, high = (f"{1000 * value:.0f}" for value in run["overhead_range_s"])
    return [
        *(str(run[key]) for key in columns.values()),
        f"{run['trials_per_s']:.2f}",
        f"{run['ideal_per_s']:.2f}",
        f"{1000 * run['overhead_s']:.0f} ({low} to {high})",
    ]
