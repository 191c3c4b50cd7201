"""Planned starts: spread over the speed-up, the fastest first, and their pruned twins."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from dato import Kind
from search.calibration.placement import GapForecast, Placement, placements
from search.calibration.planned import Planned
from search.settings.compose import compose_config
from search.space import load_space
from search.space.domains import Value
from search.starts.planned import (
    PRUNED,
    SPEEDUPS,
    places_calls,
    planned,
    pruned,
    side_by_side,
    speedup,
    spread_placements,
)
from search.starts.writing import NotInSpaceError
from tests.search.calibration.made_up import calibration, wandering
from tests.search.space.worlds import declared, run_of, shipped

COSTS = {"full": 2.0, "0": 0.01}
CALLS = 40
KNOWN = calibration(wandering(CALLS, 3))
CONTEXT = replace(run_of(CALLS), placed=Planned.of(KNOWN))
FASTEST = spread_placements(KNOWN, COSTS, 3)[0]


def test_they_are_spread_over_speed_up_the_fastest_first() -> None:
    plans = spread_placements(KNOWN, COSTS, 5)
    found = [math.log(speedup(len(plan.full), CALLS, COSTS)) for plan in plans]
    assert len(plans) == 5
    assert found == sorted(found, reverse=True)
    low, high = (math.log(value) for value in SPEEDUPS)
    gaps = [before - after for before, after in pairwise(found)]
    assert all(gap == pytest.approx((high - low) / 4, abs=0.15) for gap in gaps)


def test_the_fastest_comes_alone_and_none_where_none_is_asked_for() -> None:
    assert spread_placements(KNOWN, COSTS, 1) == spread_placements(KNOWN, COSTS, 5)[:1]
    assert spread_placements(KNOWN, COSTS, 0) == ()


def test_a_short_run_has_few() -> None:
    plans = spread_placements(calibration(wandering(6, 3)), COSTS, 8)
    assert [len(plan.full) for plan in plans] == [3, 4, 5]


def test_a_speedup_is_that_of_the_costs() -> None:
    assert speedup(5, 50, {"full": 3.0, "0": 0.0}) == 10
    assert speedup(50, 50, COSTS) == 1


@pytest.mark.parametrize("name", ["planned", "per_call"])
def test_a_planned_start_decodes_to_its_placement(name: str) -> None:
    space = shipped(name)
    schedule = space.decode(planned(space.bind(CONTEXT), FASTEST), CONTEXT)
    wanted = FASTEST.schedule(CALLS)
    assert [schedule.kind(call) for call in range(CALLS)] == [
        wanted.kind(call) for call in range(CALLS)
    ]


def test_a_space_whose_outputs_go_no_way_along_their_lines_places_calls_for_holding() -> None:
    space = shipped("skipped")
    level = {"forecast.slope.early": 0.0, "forecast.slope.late": 0.0}
    params = planned(space.bind(CONTEXT), FASTEST) | level
    schedule = space.decode(params, CONTEXT)
    plan = next(p for p in placements(KNOWN, "hold") if len(p.full) == len(FASTEST.full))
    assert plan.full != FASTEST.full
    assert [call for call in range(CALLS) if not schedule.kind(call).depth] == [
        call for call in range(CALLS) if call not in plan.full
    ]


@pytest.mark.parametrize("name", ["planned", "per_call"])
def test_the_twin_of_a_planned_start_prunes_in_its_full_calls(name: str) -> None:
    space, bound = shipped(name), shipped(name).bind(CONTEXT)
    params = planned(bound, FASTEST)
    twin = pruned(bound, FASTEST, params)
    assert twin is not None
    plain, schedule = space.decode(params, CONTEXT), space.decode(twin, CONTEXT)
    for call in range(CALLS):
        kind = plain.kind(call)
        prune = {"level_0": PRUNED} if kind.depth == "full" else {}
        assert schedule.kind(call) == Kind(kind.depth, prune, kind.forecast)


def test_a_space_that_does_not_prune_full_calls_has_no_twins() -> None:
    bound = load_space(
        declared(
            refresh={"rule": "planned", "full_calls": {"kind": "int", "low": 3, "high": 50}},
            cached={"depth": 0},
            full={"prune": 0.0},
            forecast={"output": "linear"},
        )
    ).bind(CONTEXT)
    assert pruned(bound, FASTEST, planned(bound, FASTEST)) is None


def test_a_space_that_cannot_forecast_as_planned_says_so() -> None:
    refresh = {"rule": "planned", "full_calls": {"kind": "int", "low": 3, "high": 50}}
    bound = load_space(declared(refresh=refresh, cached={"depth": 0})).bind(CONTEXT)
    with pytest.raises(NotInSpaceError, match=r"forecast\.output is never linear"):
        planned(bound, FASTEST)
    assert planned(bound, spread_placements(KNOWN, COSTS, 3, "hold")[0])


def test_starts_are_planned_where_a_space_can_express_them() -> None:
    for name in ("per_call", "planned"):
        assert places_calls(load_space(compose_config([f"space={name}"]).space))
    for name in ("joint", "interval", "dynamics"):
        assert not places_calls(load_space(compose_config([f"space={name}"]).space))


def test_forecasts_stand_side_by_side_and_the_better_one_more_often() -> None:
    both: tuple[tuple[float, GapForecast], ...] = ((1.0, "linear"), (2.0, "hold"))
    lines, held = (
        [
            (Placement((0, place), damage * place, forecast), dict[str, Value]())
            for place in (1, 2, 3, 4, 5, 6)
        ]
        for damage, forecast in both
    )
    forecasts = [placement.forecast for placement, _ in side_by_side([lines, held])]
    assert forecasts == ["linear", "linear", "hold"] * 2
    assert side_by_side([lines]) == lines
    assert side_by_side([]) == []
