"""A space says between which shares of the run it caches, prunes and forecasts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dato import Schedule
from search.calibration.planned import Planned
from search.space import SpaceContext, load_space
from search.space.between import place
from search.space.full_calls import by_drift, evenly, outside
from tests.search.calibration.made_up import calibration, wandering
from tests.search.space.worlds import RUN, declared, fitting, run_of

START = {"kind": "float", "low": 0.0, "high": 0.4, "step": 0.1}
END = {"kind": "float", "low": 0.6, "high": 1.0, "step": 0.1}
EVERY_FIVE: dict[str, Any] = {
    "refresh": {"rule": "interval", "interval": 5},
    "cached": {"depth": 0},
    "prune": 0.5,
    "forecast": {"output": "linear"},
}


def _decoded(context: SpaceContext = RUN, **between: Any) -> Schedule:
    return load_space(declared(**EVERY_FIVE, between=between)).decode({}, context)


def _calls(schedule: Schedule, **fields: Any) -> list[int]:
    """Calls whose kinds have these values."""
    kinds = [schedule.kind(call) for call in range(schedule.calls)]
    return [
        call
        for call, kind in enumerate(kinds)
        if all(getattr(kind, name) == value for name, value in fields.items())
    ]


def test_calls_outside_the_range_of_caching_are_full() -> None:
    schedule = _decoded(cached=[0.3, 0.7])
    every_five = [15, 20, 25, 30]
    assert _calls(schedule, depth="full") == [*range(15), *every_five, *range(35, 50)]


def test_calls_outside_the_range_of_pruning_prune_nothing_and_keep_their_depth() -> None:
    schedule = _decoded(prune=[0.3, 0.7])
    assert _calls(schedule, depth="full") == [*range(0, 50, 5)]
    pruned = [call for call in range(50) if schedule.kind(call).prune]
    assert pruned == [15, 20, 25, 30]
    assert set(schedule.kinds) == {"full", "full-p50", "linear"}


def test_calls_outside_the_range_of_forecasts_hold() -> None:
    schedule = _decoded(forecast=[0.3, 0.7])
    assert _calls(schedule, forecast="linear") == [c for c in range(15, 35) if c % 5]
    assert _calls(schedule, depth=0, forecast="hold") == [
        call for call in [*range(15), *range(35, 50)] if call % 5
    ]


def test_fitted_weights_are_of_the_calls_in_the_range() -> None:
    space = load_space(
        declared(
            refresh={"rule": "interval", "interval": 10},
            prune=0.0,
            forecast={"cut": "fitted"},
            between={"forecast": [0.5, 1.0]},
        )
    )
    weights = space.decode({}, fitting(50)).weights
    assert list(weights) == [call for call in range(25, 50) if call % 10]


def test_the_first_call_is_full_whatever_the_range() -> None:
    assert _calls(_decoded(cached=[0.0, 0.1]), depth=0) == [1, 2, 3, 4]


@pytest.mark.parametrize("calls", [1, 2, 3])
def test_a_range_may_hold_no_call_of_a_short_run(calls: int) -> None:
    schedule = _decoded(run_of(calls), cached=[0.4, 0.41])
    assert _calls(schedule, depth="full") == [*range(calls)]


def test_shares_are_rounded_to_calls_so_that_neighbours_meet() -> None:
    assert [place(share, 50) for share in (0.0, 0.29, 0.3, 0.309, 0.31, 1.0)] == [
        0, 15, 15, 15, 16, 50,
    ]  # fmt: skip


def test_planned_full_calls_include_those_outside_the_range() -> None:
    full_calls = {"kind": "int", "low": 1, "high": 50}
    space = load_space(
        declared(
            refresh={"rule": "planned", "full_calls": full_calls},
            cached={"depth": 0},
            prune=0.0,
            between={"cached": [0.5, {"kind": "choice", "values": [0.8, 1.0]}]},
        )
    )
    planned = replace(run_of(20), placed=Planned.of(calibration(wandering(20, 1))))
    for count in (10, 12, 17, 20):
        params = {"refresh.full_calls": count, "between.cached.end": 0.8}
        full = _calls(space.decode(params, planned), depth="full")
        assert {*range(10), *range(16, 20)} <= set(full)
        assert len(full) == max(count, 14)


def test_numbers_of_full_calls_that_no_range_allows_are_no_choice() -> None:
    full_calls = {"kind": "int", "low": 1, "high": 1000}
    space = load_space(
        declared(refresh={"rule": "planned", "full_calls": full_calls}, prune=0.0,
                 between={"cached": [0.3, 0.7]})
    )  # fmt: skip
    assert space.parameters(RUN)[0].domain.ends == (30, 50)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60), st.integers(0, 60))
def test_even_full_calls_are_as_many_as_asked_for(
    calls: int, count: int, start: int, stop: int
) -> None:
    cached = range(start, stop)
    full = evenly(calls, min(count, calls), cached)
    assert outside(calls, cached) <= set(full) <= set(range(calls))
    assert len(full) == max(min(count, calls), len(outside(calls, cached)))


def test_the_drift_adds_up_since_the_last_full_call_outside_too() -> None:
    assert by_drift([0.0] + [1.0] * 9, 0.25, range(4, 10)) == (0, 1, 2, 3, 6, 9)


def test_ends_are_dimensions_where_they_change_something() -> None:
    between = {"cached": [START, END], "prune": [START, 1.0], "forecast": [0.2, END]}
    space = load_space(declared(**EVERY_FIVE, between=between))
    names = ["between.cached.start", "between.cached.end", "between.prune.start"]
    assert [p.name for p in space.parameters(RUN)] == [*names, "between.forecast.end"]
    bare = load_space(declared(**EVERY_FIVE | {"prune": 0.0, "forecast": {}}, between=between))
    assert [p.name for p in bare.parameters(RUN)] == names[:2]
    assert [p.name for p in space.parameters(run_of(1))] == []


def test_a_call_that_is_always_outside_has_no_dimensions_of_its_own() -> None:
    ratio = {"kind": "float", "low": 0.0, "high": 0.5, "per": "call"}
    space = load_space(
        {
            "name": "few",
            "refresh": {"rule": "per_call"},
            "calls": {
                "depth": {"kind": "choice", "values": [0, "full"], "per": "call"},
                "prune": {"finest": ratio},
            },
            "between": {"cached": [0.5, 1.0], "prune": [0.0, 0.2]},
        }
    )
    assert [p.name for p in space.parameters(run_of(10))] == [
        *(f"calls.depth.{call:02}" for call in range(5, 10)),
        *(f"calls.prune.level_0.{call:02}" for call in range(2)),
    ]
