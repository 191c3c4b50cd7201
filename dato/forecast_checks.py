"""The rules of a schedule's forecasts, each with its error. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import get_args

from dato.errors import ForecastError, SlopeError
from dato.kind import MAX_VALUES, Kinds, Quantity, Steps
from dato.slope import LINE, Slope

Weights = Mapping[int, Sequence[float]]


def check_weights(kinds: Kinds, steps: Steps, given: Weights, quantity: Quantity) -> None:
    """Each fitted call, and no other, has as many finite weights as it can read."""
    if quantity not in get_args(Quantity):
        raise ForecastError(
            f'The quantity {quantity!r} is neither "epsilon" nor "output".',
            remedy='Use "epsilon" to hold what lets the sampler take a longer step.',
        )
    fitted = {call for call, name in enumerate(steps) if kinds[name].forecast == "fitted"}
    for call in sorted(fitted ^ set(given)):
        raise _unmatched(call, steps, given)
    sources = readable(kinds, steps)
    for call, weights in given.items():
        if not 1 <= len(weights) <= MAX_VALUES:
            raise ForecastError(
                f"Call {call} has {len(weights)} weights.",
                remedy=f"Give it one to {MAX_VALUES}, the newest value's first.",
            )
        for weight in weights:
            if not math.isfinite(weight):
                raise ForecastError(
                    f"Call {call} has the weight {weight!r}, which is not finite.",
                    remedy="Use a finite number.",
                )
        if len(weights) > sources[call]:
            raise ForecastError(
                f"Call {call} has {len(weights)} weights, but it can read {sources[call]}: "
                "no more earlier calls computed the value.",
                remedy="Remove weights from the end.",
            )


def _unmatched(call: int, steps: Steps, given: Weights) -> ForecastError:
    """The error of a call that lacks weights, or that has some and should not."""
    if call not in given:
        return ForecastError(
            f"Call {call} has the fitted kind {steps[call]!r}, but no weights.",
            remedy="Add its weights.",
        )
    known = 0 <= call < len(steps)
    return ForecastError(
        f"There are weights for call {call}, "
        + ("whose kind is not fitted." if known else f"but only {len(steps)} calls, from 0."),
        remedy="Remove its weights.",
    )


def check_slope(slope: Slope, draws_lines: bool) -> None:
    """A slope turns some line."""
    if slope != LINE and not draws_lines:
        raise SlopeError(
            f"Nothing reads the slope {slope.early:g} to {slope.late:g}: no call of "
            "depth 0 draws a line through two outputs.",
            remedy="Remove the slope, or give calls of depth 0 a linear forecast.",
        )


def readable(kinds: Kinds, steps: Steps) -> list[int]:
    """For each call, the number of its sources, in one pass: a file may have 10,000 calls."""
    counts: list[int] = []
    deepest: list[float] = []
    for name in steps:
        depth = kinds[name].depth
        rank = math.inf if depth == "full" else depth
        counts.append(sum(each > rank for each in deepest))
        deepest = sorted((*deepest, rank), reverse=True)[:MAX_VALUES]
    return counts
