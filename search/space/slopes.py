"""How far outputs go along the straight line through the last two computed ones.

A line over the timesteps bends the wrong way where noise changes faster and faster, and at a high
guidance scale it goes too far. So a space may search the slope: 1 is the line, 0 holds the newest
value. The weights that follow are written into the schedule as those of a fitted forecast.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from dato import Kind, Schedule
from dato.runtime.forecast import linear_weights

DIGITS = 6
"""Significant ones of a weight, so that a preset can be read."""

CLOSE = 1e-3
"""Slopes that differ by less are the same: weights are rounded."""

Weights = Mapping[int, tuple[float, ...]]
"""By call, the newest value first."""


class Timesteps(Protocol):
    """What straight lines are drawn over."""

    def __call__(self, calls: int) -> Sequence[float]:
        """One for each call of a run."""
        ...


def evenly_spaced(calls: int) -> Sequence[float]:
    """Timesteps of a run that nothing is known about, which is enough to price schedules."""
    return range(calls, 0, -1)


@dataclass(frozen=True)
class Slopes:
    """Shares of the way along the line.

    Args:
        early: at the first call of the run.
        late: at the last one; in between it changes evenly.
    """

    early: float = 1.0
    late: float = 1.0

    def at(self, call: int, calls: int) -> float:
        """The share at a call of a run."""
        return self.early + (self.late - self.early) * call / max(calls - 1, 1)


LINE = Slopes()
"""The straight line itself."""


def sloped(schedule: Schedule, slopes: Slopes, timesteps: Sequence[float]) -> Schedule:
    """``schedule`` with its straight lines of outputs as fitted forecasts of these slopes.

    Args:
        timesteps: of each call, what lines are drawn over.
    """
    lines = [name for name, kind in schedule.kinds.items() if is_line(kind)]
    own = {
        call: _along(
            linear_weights(timesteps, call, schedule.sources(call)),
            slopes.at(call, schedule.calls),
        )
        for call, name in enumerate(schedule.steps)
        if name in lines
    }
    if slopes == LINE or all(len(weights) == 1 for weights in own.values()):
        return schedule  # without two values to draw it through, every line holds
    names = {
        name: name.replace("linear", "fitted") if name in lines else name for name in schedule.kinds
    }
    kinds = {
        names[name]: replace(kind, forecast="fitted") if name in lines else kind
        for name, kind in schedule.kinds.items()
    }
    steps = tuple(names[name] for name in schedule.steps)
    return replace(
        schedule,
        kinds=kinds,
        steps=steps,
        weights=dict(sorted({**schedule.weights, **own}.items())),
    )


def straight(schedule: Schedule, timesteps: Sequence[float]) -> tuple[Schedule, Slopes]:
    """The inverse of :func:`sloped`. A schedule that it cannot make comes back as it is."""
    slopes = slopes_of(schedule, timesteps)
    if slopes is None:
        return schedule, LINE
    kinds = {
        name: replace(kind, forecast="linear") if is_fitted_output(kind) else kind
        for name, kind in schedule.kinds.items()
    }
    weights = {
        call: own
        for call, own in schedule.weights.items()
        if not is_fitted_output(schedule.kind(call))
    }
    return replace(schedule, kinds=kinds, weights=weights), slopes


def rounded(weights: Iterable[float]) -> tuple[float, ...]:
    """Weights as a schedule carries them."""
    return tuple(float(f"{weight:.{DIGITS}g}") for weight in weights)


def is_line(kind: Kind) -> bool:
    """Whether a kind forecasts the output on a straight line."""
    return kind.depth == 0 and kind.forecast == "linear"


def is_fitted_output(kind: Kind) -> bool:
    """Whether a kind forecasts the output with weights of its own."""
    return kind.depth == 0 and kind.forecast == "fitted"


def slopes_of(schedule: Schedule, timesteps: Sequence[float]) -> Slopes | None:
    """The slopes from which :func:`sloped` makes the weights of a schedule's outputs.

    ``None`` where there are no weights of outputs, or others, or none that tells a slope.
    """
    fitted = {
        call: schedule.weights[call]
        for call in range(schedule.calls)
        if is_fitted_output(schedule.kind(call))
    }
    lines = dict(_lines(schedule, fitted, timesteps))
    found = nearest_to(lines, schedule.calls)
    for call, weights in fitted.items():
        line = linear_weights(timesteps, call, schedule.sources(call))
        expected = _along(line, found.at(call, schedule.calls))
        if not _same(expected, weights):
            return None
    return found if lines else None


def nearest_to(shares: Mapping[int, float], calls: int) -> Slopes:
    """The slopes nearest to the shares of some calls; of equals, those nearest to the line."""
    if not shares:
        return LINE
    places = np.array([call / max(calls - 1, 1) for call in shares])
    left = np.stack([1 - places, places], axis=1)
    moved = np.linalg.lstsq(left, np.array(list(shares.values())) - 1, rcond=None)[0]
    return Slopes(1 + float(moved[0]), 1 + float(moved[1]))


def _lines(
    schedule: Schedule, weights: Weights, timesteps: Sequence[float]
) -> Iterator[tuple[int, float]]:
    """Calls whose line has two values, and how far along it their weights go."""
    for call, own in weights.items():
        line = linear_weights(timesteps, call, schedule.sources(call))
        if len(line) > 1 and line[0] != 1:
            yield call, (own[0] - 1) / (line[0] - 1)


def _along(line: Sequence[float], share: float) -> tuple[float, ...]:
    """Weights on the way from holding the newest value to ``line``."""
    return rounded((1 + share * (line[0] - 1), *(share * weight for weight in line[1:])))


def _same(one: Sequence[float], other: Sequence[float]) -> bool:
    return len(one) == len(other) and bool(np.allclose(one, other, rtol=1e-4, atol=1e-4))
