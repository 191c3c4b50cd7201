"""The axis of the front figure's metric: one on which the front can be read."""

from __future__ import annotations

import math

from plotly import graph_objects as go

from search.metrics import Metric

LOG_RATIO = 8
"""Values that span more than this are drawn on a logarithmic axis."""
EDGE = 0.6
"""Decades from the smallest value above 0 down to the values at 0, which stand at the edge."""


def axis(figure: go.Figure, asked: Metric) -> dict[str, object]:
    """An axis for all values of a figure: logarithmic, or without far outliers.

    An FID to the unpatched images is 0 for the unpatched pipeline itself, which has no place on a
    logarithmic axis: what is 0 is moved to the edge, and the axis says 0 there.
    """
    values = sorted(y for trace in _measured(figure) for y in trace.y if y is not None)
    above = [value for value in values if value > 0]
    if not above:
        return {}
    if asked.ratio and values[0] >= 0 and above[-1] / above[0] > LOG_RATIO:
        return _logarithmic(figure, above[0], above[-1], zero=values[0] == 0)
    return _without_outliers(figure, values)


def _measured(figure: go.Figure) -> list[go.Scatter]:
    return [trace for trace in figure.data if trace.meta not in ("pruned", "failed")]


def _logarithmic(figure: go.Figure, low: float, high: float, *, zero: bool) -> dict[str, object]:
    edge = low / 10**EDGE
    if zero:
        for trace in _measured(figure):
            trace.y = [edge if y == 0 else y for y in trace.y]
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    digits = (1, 2, 5) if len(powers) < 4 else (1,)
    ticks = [digit * 10.0**power for power in powers for digit in digits]
    ticks = [tick for tick in ticks if tick > 1.5 * edge or not zero]
    head, words = ([edge], ["0"]) if zero else ([], [])
    bottom = math.log10(edge if zero else low)
    pad = 0.04 * (math.log10(high) - bottom)
    return {
        "type": "log",
        "range": [bottom - pad, math.log10(high) + pad],
        "tickvals": [*head, *ticks],
        "ticktext": [*words, *(_plain(tick) for tick in ticks)],
    }


def _plain(tick: float) -> str:
    """``0.00001`` rather than ``1e-05``."""
    return f"{tick:.6f}".rstrip("0").rstrip(".") if 1e-6 <= tick < 1e6 else f"{tick:g}"


def _without_outliers(figure: go.Figure, values: list[float]) -> dict[str, object]:
    """The legend says how many trials lie above the frame. Zooming out shows them."""
    shown: dict[str, list[float]] = {}
    for trace in _measured(figure):
        shown.setdefault(trace.meta, []).extend(y for y in trace.y if y is not None)
    grey = [*shown.get("trial", []), *shown.get("rival", [])]
    marked = [*shown.get("front", []), *shown.get("baseline", [])]
    top = 1.1 * max([values[int(0.95 * (len(values) - 1))], *marked])
    above = sum(value > top for value in shown.get("trial", []))
    if not any(value > top for value in grey):
        return {}
    if above:
        figure.update_traces(name=f"trials ({above} above the frame)", selector={"meta": "trial"})
    pad = 0.05 * (top - values[0])
    return {"range": [values[0] - pad, top]}
