"""Spaces say how far outputs go along their straight lines."""

from __future__ import annotations

from typing import Any

import pytest

from dato import Kind, Schedule, Slope
from search.errors import ConfigError
from search.space import load_space
from tests.search.space.worlds import RUN, declared, run_of

EVERY_FIVE: dict[str, Any] = {
    "refresh": {"rule": "interval", "interval": 5},
    "cached": {"depth": 0},
    "prune": 0.0,
}
STEP: dict[str, Any] = {"kind": "float", "low": 0.0, "high": 2.0, "step": 0.5}
SEARCHED: dict[str, Any] = {"output": "linear", "slope": {"early": STEP, "late": STEP}}


def _decoded(early: float, late: float) -> Schedule:
    space = load_space(declared(**EVERY_FIVE, forecast=SEARCHED))
    return space.decode({"forecast.slope.early": early, "forecast.slope.late": late}, RUN)


def test_a_slope_of_one_is_the_straight_line_itself() -> None:
    schedule = _decoded(1.0, 1.0)
    assert schedule.slope == Slope()
    assert schedule.kinds["linear"] == Kind(0, forecast="linear")
    assert not schedule.weights


def test_a_slope_of_zero_holds() -> None:
    assert _decoded(0.0, 0.0).kinds == {"full": Kind(), "reuse": Kind(0)}


def test_other_slopes_belong_to_the_schedule() -> None:
    schedule = _decoded(0.5, 1.5)
    assert schedule.kinds["linear"] == Kind(0, forecast="linear")
    assert schedule.slope == Slope(0.5, 1.5)
    assert not schedule.weights


def test_slopes_are_no_parameters_of_a_run_that_is_too_short_for_a_line() -> None:
    searched = load_space(declared(**EVERY_FIVE, forecast=SEARCHED))
    assert searched.parameters(run_of(2)) == ()
    names = [own.name for own in searched.parameters(RUN)]
    assert names == ["forecast.slope.early", "forecast.slope.late"]


def test_a_slope_that_is_searched_for_nothing_is_a_mistake_that_says_why() -> None:
    held = load_space(declared(**EVERY_FIVE, forecast=SEARCHED | {"output": "hold"}))
    with pytest.raises(ConfigError, match=r"slope\.early: .* forecast\.output is never linear"):
        held.parameters(RUN)
    shallow = load_space(declared(**EVERY_FIVE | {"cached": {"depth": 1}}, forecast=SEARCHED))
    with pytest.raises(ConfigError, match=r"slope\.late: .* no call forecasts the output"):
        shallow.parameters(RUN)


def test_a_slope_that_is_given_may_change_nothing() -> None:
    given = {"output": "hold", "slope": {"early": 0.5, "late": 0.5}}
    assert load_space(declared(**EVERY_FIVE, forecast=given)).parameters(RUN) == ()


def test_both_ends_are_given_and_neither_is_negative() -> None:
    with pytest.raises(ConfigError, match=r"forecast\.slope\.late: forecast\.slope has no late"):
        load_space(declared(**EVERY_FIVE, forecast={"output": "linear", "slope": {"early": 1.0}}))
    slope = {"early": -0.5, "late": 1.0}
    with pytest.raises(ConfigError, match=r"slope\.early: -0\.5 is too small for a slope"):
        load_space(declared(**EVERY_FIVE, forecast={"output": "linear", "slope": slope}))
