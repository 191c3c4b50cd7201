"""A schedule's slope says how far along their line its forecasts of outputs go."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dato import Kind, Schedule, Slope
from dato.errors import SlopeError
from dato.slope import LINE

shares = st.floats(-4, 4)


def lines(calls: int = 50, interval: int = 5) -> Schedule:
    """A full call every ``interval`` calls, and straight lines in between."""
    return Schedule.uniform(calls, interval, 0, forecast="linear")


@given(shares, shares, st.integers(2, 100))
def test_a_slope_changes_evenly_from_the_first_call_to_the_last(
    early: float, late: float, calls: int
) -> None:
    slope = Slope(early, late)
    assert slope.at(0, calls) == early
    assert slope.at(calls - 1, calls) == pytest.approx(late)
    assert slope.at(1, 3) == pytest.approx((early + late) / 2)


def test_a_run_of_one_call_has_the_early_slope() -> None:
    assert Slope(0.5, 1.5).at(0, 1) == 0.5


def test_the_line_itself_is_the_default() -> None:
    assert lines().slope == Slope() == Slope(1.0, 1.0) == LINE


@pytest.mark.parametrize("share", [4.1, -4.1, float("nan"), float("inf")])
def test_a_slope_out_of_range_is_refused_with_its_value(share: float) -> None:
    with pytest.raises(SlopeError, match=rf"late={share} is no number from -4 to 4. Use 1"):
        Slope(late=share)


NOTHING_SLOPES: list[Schedule] = [
    Schedule.full(8),
    Schedule.uniform(8, 2, 0, forecast="hold"),
    Schedule.uniform(8, 2, 3, forecast="linear"),  # a line of cuts goes all the way
    Schedule.uniform(8, 8, 0, forecast="linear"),  # one computed output makes no line
]


@pytest.mark.parametrize("schedule", NOTHING_SLOPES)
def test_a_slope_that_nothing_reads_is_refused_or_left_out(schedule: Schedule) -> None:
    assert not schedule.draws_lines
    with pytest.raises(SlopeError, match=r"Nothing reads the slope 0\.5 to 1:"):
        replace(schedule, slope=Slope(0.5))
    assert schedule.sloped(Slope(0.5)) == schedule == replace(schedule, slope=LINE)


@given(shares, shares)
def test_a_slope_is_part_of_what_a_schedule_is(early: float, late: float) -> None:
    schedule = lines().sloped(Slope(early, late))
    assert (schedule == lines()) == (Slope(early, late) == LINE)
    again = pickle.loads(pickle.dumps(schedule))
    assert again == schedule
    assert hash(again) == hash(schedule)
    assert schedule.sloped(LINE) == lines()


def test_resampling_keeps_the_slope_where_a_line_is_left() -> None:
    sloped = lines().sloped(Slope(0.5, 1.5))
    assert sloped.resampled(20).slope == Slope(0.5, 1.5)
    assert sloped.resampled(1).slope == LINE


def test_weights_that_become_lines_go_all_the_way() -> None:
    kinds = {"full": Kind(), "held": Kind(0, {}, "fitted")}
    fitted = Schedule(kinds, ("full", "full", "held"), weights={2: (1.5, -0.5)})
    assert fitted.resampled(6).slope == LINE
