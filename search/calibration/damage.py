"""What a schedule's forecasts do to the latents, predicted from a calibration."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from dato import Schedule
from dato.runtime.forecast import forecasts
from search.calibration.products import Gram
from search.calibration.table import Calibration

Errors = dict[int, float]
"""Weights of the errors of shallow calls, by call."""


def damage(calibration: Calibration, schedule: Schedule) -> float:
    """Predicted squared error of the final latents, in units of the noise's mean square.

    The run is taken in segments, each from one computed call up to the next. The forecasts of one
    segment err in the same direction, so their errors are added, each times how far the sampler
    moves at its call. The errors of different segments are unrelated, so their squares are added,
    each times the square of the gain: how much larger an error in the latents after the segment is
    at the end of the run. Where the sampler's path is not known, every call is a segment.

    A call of depth n computes an output from a forecast of a cut. The error of that output is what
    the forecast misses, times the measured response of the output to the cut. Later forecasts that
    read the output take over its error. A depth that was not measured counts as the next shallower
    one that was. Pruning adds no error, and the errors of different shallow calls are unrelated.

    Raises:
        ValueError: the schedule has another number of calls.
    """
    if schedule.calls != calibration.calls:
        raise ValueError(
            f"The schedule has {schedule.calls} calls and the calibration {calibration.calls}. "
            "Calibrate with the schedule's number of steps."
        )
    rows = _Rows(calibration, schedule)
    segments = rows.segments()
    total = sum(gain**2 * rows.squared(calls, moves) for calls, moves, gain in segments)
    return float(total / calibration.output.diagonal().mean())


class _Rows:
    """The error of each call, as a sum of unpatched outputs and of errors of shallow calls."""

    def __init__(self, calibration: Calibration, schedule: Schedule) -> None:
        self.calibration = calibration
        self.depths = [schedule.kind(call).depth for call in range(schedule.calls)]
        policy = forecasts(schedule, calibration.timesteps.tolist())
        self.missed = np.zeros((schedule.calls, schedule.calls))
        """(calls, calls): by call, the coefficients over unpatched outputs."""
        self.passed: list[Errors] = [{} for _ in self.depths]
        self.shallow: Errors = {}
        """By shallow call, the mean square of its output's error."""
        for call, depth in enumerate(self.depths):
            if depth == "full":
                continue
            sources = schedule.sources(call)
            weights = policy(call, sources)
            row = np.zeros(schedule.calls)
            row[call] = 1.0
            row[list(sources[: len(weights)])] -= weights
            if self._measured(depth):
                self.shallow[call] = self._error_of(call, depth, row)
                self.passed[call] = {call: 1.0}
            else:
                self.missed[call] = row
                self.passed[call] = {
                    source: weight
                    for source, weight in zip(sources, weights, strict=False)
                    if source in self.shallow
                }

    def _measured(self, depth: int) -> int:
        """The deepest cut up to ``depth`` that was measured; 0 is the output itself."""
        return max((cut for cut in self.calibration.cuts if cut <= depth), default=0)

    def _error_of(self, call: int, depth: int, row: NDArray[np.float64]) -> float:
        cut = self._measured(depth)
        response = float(self.calibration.response[cut][call])
        return response**2 * _form(self.calibration.cuts[cut], row)

    def segments(self) -> list[tuple[range, NDArray[np.float64], float]]:
        """Calls of each segment, how far the sampler moves at each, and the gain after them."""
        calls, path = len(self.depths), self.calibration.path
        if path is None:
            return [(range(call, call + 1), np.ones(1), 1.0) for call in range(calls)]
        starts = [call for call, depth in enumerate(self.depths) if depth != 0]
        ends = [*starts[1:], calls]
        return [
            (range(start, end), path.moves[start:end], float(path.gains[end]))
            for start, end in zip(starts, ends, strict=True)
        ]

    def squared(self, calls: range, moves: NDArray[np.float64]) -> float:
        """The square of the weighted sum of some calls' errors."""
        errors: defaultdict[int, float] = defaultdict(float)
        for call, move in zip(calls, moves.tolist(), strict=True):
            for source, weight in self.passed[call].items():
                errors[source] += move * weight
        shallow = sum(weight**2 * self.shallow[source] for source, weight in errors.items())
        row = moves @ self.missed[calls.start : calls.stop]
        return _form(self.calibration.output, row) + shallow


def _form(gram: Gram, row: NDArray[np.float64]) -> float:
    """The mean square of a sum of values; rounding cannot make it negative."""
    return max(float(row @ gram @ row), 0.0)
