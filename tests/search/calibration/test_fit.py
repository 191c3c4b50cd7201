"""Fitted weights: numpy's least squares, ramps, and where only one value exists."""

from __future__ import annotations

import numpy as np
import pytest

from dato.runtime.forecast import linear_weights
from dato.schedule import Depth, Forecast
from search.calibration.fit import Fitted, fit, sources_of
from tests.search.calibration.made_up import calibration, ramp, wandering

CALLS = 12
DEPTHS: list[Depth] = ["full", 0, 2, 0, "full", 1, 0, 2, 1, "full", 0, 0]


@pytest.mark.parametrize("ridge", [0.0, 0.01, 3.0])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_weights_are_those_of_least_squares(ridge: float, count: int) -> None:
    values = wandering(CALLS, seed=1)
    sources, prior = [5, 3, 0][:count], [1.4, -0.3, -0.1][:count]
    size = np.sqrt(ridge * (values[sources] ** 2).sum(1).mean())
    left = np.vstack([values[sources].T, size * np.eye(count)])
    right = np.concatenate([values[7], size * np.asarray(prior)])
    expected = np.linalg.lstsq(left, right, rcond=None)[0]
    found = fit(values @ values.T, 7, sources, prior, ridge)
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_a_strong_pull_ends_at_the_straight_line() -> None:
    values = wandering(CALLS, seed=2)
    assert fit(values @ values.T, 7, [5, 3], (1.5, -0.5), 1e9) == (1.5, -0.5)


def test_values_of_nothing_leave_the_straight_line_or_nothing() -> None:
    assert fit(np.zeros((3, 3)), 2, [1, 0], (2.0, -1.0), 0.01) == (0.0, 0.0)


def test_each_fitted_call_is_fitted_on_what_it_stands_on() -> None:
    output, cuts = wandering(CALLS, 3), {depth: wandering(CALLS, depth) for depth in (1, 2)}
    known = calibration(output, cuts)
    fitted = Fitted(known, output_ridge=0.0, cut_ridge=0.0)
    forecasts: list[Forecast] = ["fitted"] * CALLS
    forecasts[6] = "linear"
    found = fitted(DEPTHS, forecasts)
    assert sorted(found) == [1, 2, 3, 5, 7, 8, 10, 11]
    expected = {1: (output, [0]), 3: (output, [2, 0]), 7: (cuts[2], [4, 0]), 8: (cuts[1], [7, 4])}
    for call, (values, sources) in expected.items():
        own = np.linalg.lstsq(values[sources].T, values[call], rcond=None)[0]
        assert found[call] == pytest.approx(own, rel=1e-4)
    assert sources_of(DEPTHS, 8) == (7, 4, 2)


def test_a_depth_that_was_not_measured_is_forecast_linearly() -> None:
    known = calibration(wandering(CALLS, 3))
    depths: list[Depth] = ["full"] * CALLS
    depths[1] = depths[3] = 3
    found = Fitted(known)(depths, ["fitted"] * CALLS)
    assert found == {1: (1.0,), 3: linear_weights(known.timesteps.tolist(), 3, [2, 0])}


@pytest.mark.parametrize("depth", [0, 1])
def test_on_a_ramp_fitted_weights_are_linear_ones(depth: int) -> None:
    flat = calibration(wandering(CALLS, 1))
    known = calibration(ramp(flat.timesteps), {1: ramp(flat.timesteps, 5)})
    depths: list[Depth] = ["full"] * CALLS
    for call in (2, 3, 5):
        depths[call] = depth
    found = Fitted(known)(depths, ["fitted"] * CALLS)
    for call, weights in found.items():
        line = linear_weights(known.timesteps.tolist(), call, sources_of(depths, call))
        assert weights == pytest.approx(line, rel=1e-4)
