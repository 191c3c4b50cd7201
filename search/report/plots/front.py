"""The front figure: FID against speed-up."""

from __future__ import annotations

from plotly import graph_objects as go

from search.metrics import metric
from search.records.record import StudyResult, TrialRecord
from search.report.cells import TIMES
from search.report.plots.traces import (
    baseline_trace,
    front_trace,
    rival_traces,
    rug_trace,
    trial_fid,
    trials_trace,
)

LOG_RATIO = 8
"""FIDs that span more than this are drawn on a logarithmic axis."""


def front_figure(result: StudyResult) -> go.Figure | None:
    """FID against speed-up: every trial, the front, its rivals, the baseline; pruned and failed on
    top.

    Returns:
        ``None`` when no trial has a speed-up.
    """
    placed = [record for record in result.records if record.speedup is not None]
    grey = others(result)
    if not placed and not result.front:
        return None
    figure = go.Figure()
    figure.add_trace(trials_trace(grey, result))
    for state, role, symbol in (("pruned", "pruned", "line-ns"), ("fail", "failed", "x-thin")):
        figure.add_trace(rug_trace([r for r in placed if r.outcome == state], role, symbol))
    for trace in rival_traces(result):
        figure.add_trace(trace)
    figure.add_trace(front_trace(result))
    if result.baseline is not None:
        figure.add_trace(baseline_trace(result.baseline, result.objective))
    axis = "FID" if result.objective == "fid_real" else metric(result.objective).title
    figure.update_layout(
        xaxis={"title": "speed-up over the unpatched pipeline", "ticksuffix": TIMES},
        yaxis={"title": axis, "domain": [0, 0.9], **_fid_scale(figure)},
        yaxis2={"domain": [0.93, 1], "range": [-0.6, 1.6], "visible": False, "fixedrange": True},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
    )
    return figure


def others(result: StudyResult) -> list[TrialRecord]:
    """The measured trials outside the front, which the figure shows in grey."""
    marked = [m.record for m in (*result.front, *([result.baseline] if result.baseline else []))]
    return [
        record
        for record in result.records
        if record.speedup is not None
        and record not in marked
        and trial_fid(record, result) is not None
    ]


def _fid_scale(figure: go.Figure) -> dict[str, object]:
    """An FID axis on which the front can be read: logarithmic, or without far outliers.

    The legend says how many trials lie above the frame. Zooming out shows them.
    """
    shown: dict[str, list[float]] = {}
    for trace in figure.data:
        shown.setdefault(trace.meta, []).extend(y for y in trace.y if y is not None)
    grey = [*shown["trial"], *shown.get("rival", [])]
    marked = [*shown["front"], *shown.get("baseline", [])]
    values = sorted([*grey, *marked])
    if not values:
        return {}
    if values[0] > 0 and values[-1] / values[0] > LOG_RATIO:
        ticks = [digit * 10**power for power in range(-3, 6) for digit in (1, 2, 5)]
        return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}
    top = 1.1 * max([values[int(0.95 * (len(values) - 1))], *marked])
    above = sum(value > top for value in shown["trial"])
    if not any(value > top for value in grey):
        return {}
    if above:
        figure.update_traces(name=f"trials ({above} above the frame)", selector={"meta": "trial"})
    pad = 0.05 * (top - values[0])
    return {"range": [values[0] - pad, top]}
