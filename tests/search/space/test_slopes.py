"""Spaces say how far outputs go along their straight lines."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dato import Kind, Schedule
from dato.runtime.forecast import linear_weights
from search.errors import ConfigError
from search.space import load_space
from search.space.slopes import LINE, Slopes, sloped, straight
from tests.search.space.worlds import RUN, declared, run_of

EVERY_FIVE: dict[str, Any] = {
    "refresh": {"rule": "interval", "interval": 5},
    "cached": {"depth": 0},
    "prune": 0.0,
}
STEP: dict[str, Any] = {"kind": "float", "low": 0.0, "high": 2.0, "step": 0.5}
SEARCHED: dict[str, Any] = {"output": "linear", "slope": {"early": STEP, "late": STEP}}
TIMESTEPS = [1000 - 20 * call for call in range(50)]


def _decoded(early: float, late: float) -> Schedule:
    space = load_space(declared(**EVERY_FIVE, forecast=SEARCHED))
    return space.decode({"forecast.slope.early": early, "forecast.slope.late": late}, RUN)


def test_a_slope_of_one_is_the_straight_line_itself() -> None:
    schedule = _decoded(1.0, 1.0)
    assert schedule.kinds["linear"] == Kind(0, forecast="linear")
    assert not schedule.weights


def test_a_slope_of_zero_holds() -> None:
    assert _decoded(0.0, 0.0).kinds == {"full": Kind(), "reuse": Kind(0)}


def test_other_slopes_are_written_as_weights_that_go_so_far_along_the_line() -> None:
    schedule = _decoded(0.5, 1.5)
    assert schedule.kinds["fitted"] == Kind(0, forecast="fitted")
    line = linear_weights([float(-call) for call in range(50)], 27, schedule.sources(27))
    share = 0.5 + 27 / 49
    assert schedule.weights[27] == pytest.approx((1 + share * (line[0] - 1), share * line[1]), 1e-5)
    assert schedule.weights[3] == (1.0,)  # one value: there is no line yet


@given(
    early=st.integers(0, 20).map(lambda own: own / 10),
    late=st.integers(0, 20).map(lambda own: own / 10),
    interval=st.integers(2, 12),
)
def test_slopes_are_found_again_from_the_weights(early: float, late: float, interval: int) -> None:
    line = Schedule.uniform(50, interval, 0, forecast="linear")
    slopes = Slopes(early, late)
    found, again = straight(sloped(line, slopes, TIMESTEPS), TIMESTEPS)
    assert found.weights == {}
    assert (again.early, again.late) == pytest.approx((early, late), abs=1e-2)


def test_weights_off_the_line_stay_fitted() -> None:
    schedule = sloped(Schedule.uniform(50, 5, 0, forecast="linear"), Slopes(0.5, 1.5), TIMESTEPS)
    moved = replace(schedule, weights={**schedule.weights, 27: (1.2, -0.3)})
    assert straight(moved, TIMESTEPS) == (moved, LINE)


def test_held_values_with_weights_of_their_own_are_no_lines() -> None:
    fitted = Schedule(
        {"full": Kind(), "fitted": Kind(0, forecast="fitted")},
        ("full", "fitted"),
        weights={1: (1.0,)},
    )
    assert straight(fitted, TIMESTEPS[:2]) == (fitted, LINE)


def test_where_no_line_can_be_drawn_slopes_change_nothing() -> None:
    line = Schedule.uniform(50, 5, 0, forecast="linear")
    assert sloped(line, Slopes(0.5, 1.5), [0.0] * 50) == line  # as under LCM


def test_a_run_of_another_number_of_calls_is_not_encoded() -> None:
    def measured(calls: int) -> list[float]:
        assert calls == 50, "a calibration knows the timesteps of its own calls alone"
        return [float(step) for step in TIMESTEPS]

    context = replace(RUN, timesteps=measured)
    space = load_space(declared(**EVERY_FIVE, forecast=SEARCHED))
    assert space.encode(Schedule.uniform(20, 5, 0), context) is None
    assert space.encode(Schedule.uniform(50, 5, 0), context) is not None


def test_slopes_are_no_parameters_where_outputs_draw_no_line() -> None:
    held = load_space(declared(**EVERY_FIVE, forecast=SEARCHED | {"output": "hold"}))
    assert held.parameters(RUN) == ()
    searched = load_space(declared(**EVERY_FIVE, forecast=SEARCHED))
    assert searched.parameters(run_of(2)) == ()
    names = [own.name for own in searched.parameters(RUN)]
    assert names == ["forecast.slope.early", "forecast.slope.late"]


def test_both_ends_are_given_and_neither_is_negative() -> None:
    with pytest.raises(ConfigError, match=r"forecast\.slope\.late: It is missing"):
        load_space(declared(**EVERY_FIVE, forecast={"output": "linear", "slope": {"early": 1.0}}))
    slope = {"early": -0.5, "late": 1.0}
    with pytest.raises(ConfigError, match=r"forecast\.slope\.early: A slope is a share"):
        load_space(declared(**EVERY_FIVE, forecast={"output": "linear", "slope": slope}))
