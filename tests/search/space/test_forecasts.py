"""Spaces say what stands in for held values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dato import Kind, Schedule
from search.errors import ConfigError
from search.space import load_space
from search.space.decode import name_kinds
from tests.search.space.worlds import RUN, declared, fitting, run_of, shipped

LINES: dict[str, Any] = {"output": "linear", "cut": "linear"}
EVERY_FIVE: dict[str, Any] = {
    "refresh": {"rule": "interval", "interval": 5},
    "cached": {"depth": 2, "reuse": {"kind": "float", "low": 0.0, "high": 1.0, "step": 0.5}},
    "prune": 0.0,
}


def _decoded(reuse: float, **forecast: Any) -> Schedule:
    space = load_space(declared(**EVERY_FIVE, forecast=forecast))
    return space.decode({"cached.reuse": reuse}, fitting(50))


def test_a_space_without_forecasts_repeats_what_the_denoiser_returned() -> None:
    space = load_space(declared(**EVERY_FIVE))
    schedule = space.decode({"cached.reuse": 0.5}, RUN)
    assert {kind.forecast for kind in schedule.kinds.values()} == {"hold"}
    assert set(schedule.kinds) == {"full", "cached", "reuse"}
    assert schedule.quantity == "output"


def test_any_forecast_makes_outputs_held_as_epsilon_unless_the_space_says_otherwise() -> None:
    assert _decoded(0.5, cut="hold").quantity == "epsilon"
    assert _decoded(0.5, output="linear", quantity="output").quantity == "output"
    assert _decoded(0.5, quantity="output").quantity == "output"


def test_outputs_and_cuts_forecast_each_their_own_way() -> None:
    schedule = _decoded(0.5, output="linear", cut="fitted")
    assert schedule.kinds["linear"] == Kind(0, forecast="linear")
    assert schedule.kinds["cached-fitted"] == Kind(2, forecast="fitted")
    calls = [call for call, name in enumerate(schedule.steps) if name == "cached-fitted"]
    assert list(schedule.weights) == calls


def test_what_no_call_does_takes_no_forecast() -> None:
    schedule = _decoded(1.0, output="linear", cut="fitted")
    assert set(schedule.kinds) == {"full", "linear"}
    assert not schedule.weights


def test_a_line_that_never_has_two_values_is_a_hold() -> None:
    space = load_space(declared(**EVERY_FIVE | {"prune": 0.0}, forecast=LINES))
    few = space.decode({"cached.reuse": 1.0}, run_of(5))
    assert few.kinds["reuse"] == Kind(0)
    more = space.decode({"cached.reuse": 1.0}, run_of(7))
    assert more.kinds["linear"] == Kind(0, forecast="linear")


def test_forecasts_are_searched() -> None:
    choice = {"kind": "choice", "values": ["hold", "linear", "fitted"]}
    space = load_space(declared(**EVERY_FIVE, forecast={"output": choice, "cut": choice}))
    names = [p.name for p in space.parameters(RUN)]
    assert names == ["cached.reuse", "forecast.output", "forecast.cut"]
    only = load_space(
        declared(**EVERY_FIVE | {"cached": {"depth": 2}}, forecast={"output": choice})
    )
    assert [p.name for p in only.parameters(RUN)] == []  # no call of depth 0


def test_a_line_is_no_choice_in_a_run_of_two_calls() -> None:
    choice = {"kind": "choice", "values": ["hold", "linear"]}
    space = load_space(declared(**EVERY_FIVE, forecast={"output": choice}))
    assert "forecast.output" not in [p.name for p in space.parameters(run_of(2))]


def test_a_fitted_forecast_needs_a_calibration() -> None:
    bare = replace(RUN, weights=None)
    with pytest.raises(ConfigError) as caught:
        shipped("joint").parameters(bare)
    assert caught.value.problems[0] == (
        "forecast.cut: 'fitted' needs the weights of a calibration, and this run has none. "
        "Calibrate, or write hold or linear."
    )
    assert shipped("interval").parameters(bare)
    unused = load_space(declared(forecast={"output": "fitted"}))
    assert unused.parameters(bare)


def test_the_kinds_of_forecasts_have_names_of_their_own() -> None:
    kinds = [
        Kind(0, forecast="linear"),
        Kind(0, forecast="fitted"),
        Kind(1, forecast="fitted"),
        Kind(2, {"level_0": 0.3}, "fitted"),
        Kind(1, forecast="linear"),
    ]
    assert list(name_kinds(kinds).values()) == [
        "linear", "fitted", "cached-fitted-1", "cached-fitted-2-p30", "cached-linear",
    ]  # fmt: skip
