"""How the search went, and whether its FIDs hold on held-out prompts."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from plotly import graph_objects as go

from search.metrics import metric
from search.records.front import FrontMember
from search.records.progress import metric_value, progress
from search.records.result import StudyResult
from search.report.plots.colours import COLOURS


def progress_figure(result: StudyResult) -> go.Figure | None:
    """Hypervolume of the front over the cost of all trials so far, or over their numbers if no cost
    was recorded; ``None`` if the baseline did not complete."""
    fronts = [front for front in progress(result.records, result.objective)
              if front.hypervolume is not None]  # fmt: skip
    if not fronts:
        return None
    priced = fronts[-1].cost > 0
    line = go.Scatter(
        x=[front.cost if priced else front.trial for front in fronts],
        y=[front.hypervolume for front in fronts],
        customdata=[[front.trial, front.size, round(front.cost)] for front in fronts],
        meta="front",
        name="hypervolume",
        mode="lines",
        line={"shape": "hv", "width": 2, "color": COLOURS["front"]},
        hovertemplate="trial %{customdata[0]}, %{customdata[2]} unpatched images"
        "<br>hypervolume %{y:.3f}<br>%{customdata[1]} on the front<extra></extra>",
    )
    figure = go.Figure(line)
    figure.update_layout(
        xaxis={
            "title": "cost, in images of the unpatched model" if priced else "trial",
            "rangemode": "tozero",
        },
        yaxis={"title": "hypervolume", "rangemode": "tozero"},
        showlegend=False,
    )
    return figure


def _heldout(member: FrontMember, objective: str) -> float | None:
    """The held-out value, on as many images as the search used if the audit measured that, because
    values of different counts do not compare."""
    matched = member.audit.matched_fid if member.audit else None
    return metric_value(member.heldout, objective) if matched is None else matched


def _error_bars(members: Sequence[FrontMember], values: Sequence[float]) -> dict[str, Any]:
    """Error bars from the held-out value to the ends of its interval, if it has one."""
    ends = [
        (member.audit and member.audit.matched_interval) or (value, value)
        for member, value in zip(members, values, strict=True)
    ]
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value for (_, high), value in zip(ends, values, strict=True)],
        "arrayminus": [value - low for (low, _), value in zip(ends, values, strict=True)],
        "thickness": 1,
        "width": 0,
    }


def heldout_figure(result: StudyResult) -> go.Figure | None:
    """Held-out against searched FID of the front, with the diagonal; ``None`` without held-out."""
    members = [*result.front, *([result.baseline] if result.baseline else [])]
    pairs = [
        (x, y, member)
        for member in members
        if (x := metric_value(member.record.quality, result.objective)) is not None
        and (y := _heldout(member, result.objective)) is not None
    ]
    if not pairs:
        return None
    ends = [min(min(x, y) for x, y, _ in pairs), max(max(x, y) for x, y, _ in pairs)]
    guide = go.Scatter(
        x=ends, y=ends, meta="guide", mode="lines", name="equal", hoverinfo="skip",
        line={"dash": "dot", "width": 1, "color": COLOURS["guide"]},
    )  # fmt: skip
    points = go.Scatter(
        x=[x for x, _, _ in pairs],
        y=[y for _, y, _ in pairs],
        customdata=[html.escape(member.name) for _, _, member in pairs],
        meta="front",
        mode="markers",
        name="presets",
        marker={"size": 9, "color": COLOURS["front"]},
        error_y=_error_bars([member for _, _, member in pairs], [y for _, y, _ in pairs]),
        hovertemplate="<b>%{customdata}</b><br>search %{x:.4~g}"
        "<br>held-out %{y:.4~g}<extra></extra>",
    )
    figure = go.Figure([guide, points])
    label = metric(result.objective).label
    figure.update_layout(
        xaxis={"title": f"{label} in the search"},
        yaxis={"title": f"held-out {label}"},
        showlegend=False,
    )
    return figure
