"""The front figure: FID against speed-up."""

from __future__ import annotations

from dataclasses import replace

from plotly import graph_objects as go

from search.metrics import metric
from search.records.progress import metric_value
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.report.cells import TIMES
from search.report.plots.scale import axis
from search.report.plots.traces import (
    baseline_trace,
    front_trace,
    rival_traces,
    rug_trace,
    trial_fid,
    trials_trace,
)


def front_figure(result: StudyResult, objective: str = "") -> go.Figure | None:
    """FID against speed-up: every trial, the front, its rivals, the baseline; pruned and failed on
    top. Speed-ups are the cost table's, because trials have no others.

    Args:
        objective: the metric that is drawn, by default the study's.

    Returns:
        ``None`` when no trial has a speed-up.
    """
    drawn = replace(result, objective=objective or result.objective)
    placed = [record for record in result.records if record.speedup is not None]
    grey = others(drawn)
    if not placed and not result.front:
        return None
    figure = go.Figure()
    figure.add_trace(trials_trace(grey, drawn))
    for state, role, symbol in (("pruned", "pruned", "line-ns"), ("fail", "failed", "x-thin")):
        figure.add_trace(rug_trace([r for r in placed if r.outcome == state], role, symbol))
    for trace in rival_traces(drawn):
        figure.add_trace(trace)
    figure.add_trace(front_trace(drawn))
    if result.baseline is not None:
        figure.add_trace(baseline_trace(result.baseline, drawn.objective))
    figure.update_layout(
        xaxis={"title": "speed-up, predicted", "ticksuffix": TIMES},
        yaxis={
            "title": metric(drawn.objective).title,
            "domain": [0, 0.9],
            **axis(figure, metric(drawn.objective)),
        },
        yaxis2={"domain": [0.93, 1], "range": [-0.6, 1.6], "visible": False, "fixedrange": True},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0},
    )
    return figure


def real_figure(result: StudyResult) -> go.Figure | None:
    """The same with the FID to real images, for studies that minimised another metric; ``None``
    where it was not measured of the front."""
    known = [metric_value(member.record.quality, "fid_real") for member in result.front]
    if result.objective == "fid_real" or not any(value is not None for value in known):
        return None
    return front_figure(result, "fid_real")


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
