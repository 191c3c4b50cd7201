"""Planned starts, as steep as a space lets them be, and those that prune where it lets them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from search.calibration.planned import Planned
from search.records.base_sampler import Run
from search.space import load_space
from search.space.slopes import slopes_of
from search.starts.first_schedules import PRUNED, pruned, sloped_like
from search.starts.planned import planned_starts
from search.starts.slopes import CANDIDATES, Params, candidates
from tests.search.calibration.made_up import calibration, wandering
from tests.search.space.worlds import declared, run_of, shipped

CALLS = 20
KNOWN = calibration(wandering(CALLS, 1))
CONTEXT = replace(run_of(CALLS), placed=Planned.of(KNOWN))
FASTEST = Run(planned_starts(KNOWN, {"full": 1.0, "0": 0.0}, 3)[0].schedule(CALLS))


@pytest.mark.parametrize("name", ["planned", "per_call"])
def test_the_twin_of_a_planned_start_prunes_in_its_full_calls(name: str) -> None:
    twin = pruned(shipped(name), FASTEST, CONTEXT)
    assert twin is not None and twin.schedule is not None and FASTEST.schedule is not None
    for call in range(CALLS):
        own, plain = twin.schedule.kind(call), FASTEST.schedule.kind(call)
        assert (own.depth, own.forecast) == (plain.depth, plain.forecast)
        assert own.prune == ({"level_0": PRUNED} if own.depth == "full" else {})


def test_a_space_that_does_not_prune_full_calls_has_no_twins() -> None:
    space = load_space(
        declared(
            refresh={"rule": "planned", "full_calls": {"kind": "int", "low": 3, "high": 50}},
            cached={"depth": 0},
            full={"prune": 0.0},
            forecast={"output": "linear"},
        )
    )
    assert FASTEST.schedule is not None
    assert space.encode(FASTEST.schedule, CONTEXT) is not None
    assert pruned(space, FASTEST, CONTEXT) is None


STEEP: Params = {"forecast.slope.early": 1.0, "forecast.slope.late": 1.4}


def test_a_planned_start_takes_slopes_and_keeps_its_calls() -> None:
    space = shipped("planned")
    steep = sloped_like(space, FASTEST, CONTEXT, STEEP)
    assert steep.schedule is not None and FASTEST.schedule is not None
    assert [steep.schedule.kind(call).depth for call in range(CALLS)] == [
        FASTEST.schedule.kind(call).depth for call in range(CALLS)
    ]
    found = slopes_of(steep.schedule, CONTEXT.timesteps(CALLS))
    assert found is not None
    assert (found.early, found.late) == pytest.approx((1.0, 1.4), abs=1e-3)
    twin = pruned(space, steep, CONTEXT)
    assert twin is not None and twin.schedule is not None
    assert twin.schedule.weights == steep.schedule.weights


def test_slopes_are_tried_where_a_space_has_them() -> None:
    assert STEEP in candidates(shipped("planned"), CONTEXT)
    assert len(candidates(shipped("planned"), CONTEXT)) == len(CANDIDATES)
    assert candidates(shipped("per_call"), CONTEXT) == [{}]
