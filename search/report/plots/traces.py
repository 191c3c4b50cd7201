"""Traces of the front figure. Each one's ``meta`` names its role; the page colours roles."""

from __future__ import annotations

import html
from collections.abc import Sequence

from plotly import graph_objects as go

from search.metrics import metric
from search.records.front import FrontMember
from search.records.members import member_interval
from search.records.progress import metric_value
from search.records.record import TrialRecord
from search.records.result import StudyResult
from search.report.cells import MISSING, TIMES, metric_text, with_interval
from search.report.plots.colours import COLOURS

SYMBOLS = ("square", "triangle-up", "diamond-tall", "cross")
"""Of the samplers of rivals."""


def trial_fid(record: TrialRecord, result: StudyResult) -> float | None:
    """The study's FID, or other metric; ``None`` unless the trial is complete."""
    return metric_value(record.quality, result.objective) if record.state == "complete" else None


def _hover(objective: str) -> str:
    """The value as text: on a logarithmic axis, a point that is 0 stands elsewhere."""
    return f"{html.escape(metric(objective).label)} %{{text}}"


def _texts(values: Sequence[float | None], objective: str) -> list[str]:
    return [metric_text(value, metric(objective)) for value in values]


def _milliseconds(record: TrialRecord) -> str:
    return MISSING if record.latency_s is None else f"{1000 * record.latency_s:.1f}"


def trials_trace(records: Sequence[TrialRecord], result: StudyResult) -> go.Scatter:
    """Complete trials outside the front, grey."""
    return go.Scatter(
        x=[record.speedup for record in records],
        y=(values := [trial_fid(record, result) for record in records]),
        text=_texts(values, result.objective),
        customdata=[[record.number, _milliseconds(record)] for record in records],
        meta="trial",
        name="trials",
        mode="markers",
        marker={"size": 6, "opacity": 0.55, "color": COLOURS["trial"]},
        hovertemplate=f"trial %{{customdata[0]}}<br>{_hover(result.objective)}<br>"
        "%{customdata[1]} ms/image<br>"
        f"%{{x:.2f}}{TIMES}<extra></extra>",
    )


def rug_trace(records: Sequence[TrialRecord], role: str, symbol: str) -> go.Scatter:
    """Trials without an FID, as marks above the plot."""
    return go.Scatter(
        x=[record.speedup for record in records],
        y=[0 if role == "pruned" else 1 for _ in records],
        yaxis="y2",
        customdata=[[record.number, html.escape(record.reason[:90])] for record in records],
        meta=role,
        name="stopped early" if role == "pruned" else "failed",
        showlegend=bool(records),
        mode="markers",
        marker={"size": 8, "symbol": symbol, "color": COLOURS[role],
                "line": {"width": 1.5, "color": COLOURS[role]}},
        hovertemplate="trial %{customdata[0]}, %{x:.2f}"
        f"{TIMES}<br>%{{customdata[1]}}<extra></extra>",
    )  # fmt: skip


def front_trace(result: StudyResult) -> go.Scatter:
    """The front, joined by a line."""
    known = [m for m in result.front if m.record.speedup is not None]
    known = [m for m in known if metric_value(m.record.quality, result.objective) is not None]
    return go.Scatter(
        x=[member.record.speedup for member in known],
        y=(values := [metric_value(m.record.quality, result.objective) for m in known]),
        text=_texts(values, result.objective),
        customdata=[_member_hover(member, result.objective) for member in known],
        meta="front",
        name="front",
        mode="lines+markers",
        line={"width": 1.5, "color": COLOURS["front"]},
        marker={"size": 10, "color": COLOURS["front"]},
        hovertemplate=f"<b>%{{customdata[0]}}</b><br>{_hover(result.objective)}<br>"
        "%{customdata[1]} ms/image<br>"
        f"%{{x:.2f}}{TIMES} by cost table%{{customdata[2]}}<extra></extra>",
    )


def _member_hover(member: FrontMember, objective: str) -> list[str]:
    audited = (
        "" if member.timed_speedup is None else f"<br>{member.timed_speedup:.2f}{TIMES} re-timed"
    )
    heldout, interval = metric_value(member.heldout, objective), member_interval(member, objective)
    if heldout is not None:
        value = with_interval(heldout, interval)
        audited += f"<br>held-out {html.escape(metric(objective).short)} {value}"
    return [html.escape(member.name), _milliseconds(member.record), audited]


def rival_traces(result: StudyResult) -> list[go.Scatter]:
    """The unpatched model with fewer steps, a line for each sampler and for its given timesteps."""
    traces = []
    for place, line in enumerate(dict.fromkeys(rival.line for rival in result.rivals)):
        kept = [
            (rival, value)
            for rival in result.rivals
            if rival.line == line
            and (value := metric_value(rival.quality, result.objective)) is not None
        ]
        traces.append(
            go.Scatter(
                x=[rival.priced_speedup for rival, _ in kept],
                y=[value for _, value in kept],
                text=_texts([value for _, value in kept], result.objective),
                customdata=[
                    [html.escape(rival.name), f"{1000 * rival.latency_s:.1f}"] for rival, _ in kept
                ],
                meta="rival",
                name=html.escape(line),
                mode="lines+markers",
                line={"width": 1.5, "dash": "dot", "color": COLOURS["rival"]},
                marker={
                    "size": 8,
                    "symbol": SYMBOLS[place % len(SYMBOLS)],
                    "color": COLOURS["rival"],
                },
                hovertemplate=f"<b>%{{customdata[0]}}</b><br>{_hover(result.objective)}<br>"
                f"%{{customdata[1]}} ms/image<br>%{{x:.2f}}{TIMES} by cost table<extra></extra>",
            )
        )
    return traces


def baseline_trace(member: FrontMember, objective: str) -> go.Scatter:
    """The unpatched pipeline."""
    return go.Scatter(
        x=[member.record.speedup],
        y=(values := [metric_value(member.record.quality, objective)]),
        text=_texts(values, objective),
        customdata=[_member_hover(member, objective)],
        meta="baseline",
        name="unpatched",
        mode="markers",
        marker={"size": 11, "symbol": "diamond", "color": COLOURS["baseline"]},
        hovertemplate=f"<b>%{{customdata[0]}}</b><br>{_hover(objective)}<br>"
        "%{customdata[1]} ms/image<extra></extra>",
    )
