"""Planned warm starts: spread over the speed-up, the fastest first."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from search.starts.planned import SPEEDUPS, planned_starts, speedup
from tests.search.calibration.made_up import calibration, wandering

COSTS = {"full": 2.0, "0": 0.01}
CALLS = 40
KNOWN = calibration(wandering(CALLS, 3))


def test_they_are_spread_over_speed_up_the_fastest_first() -> None:
    plans = planned_starts(KNOWN, COSTS, 5)
    found = [math.log(speedup(len(plan.full), CALLS, COSTS)) for plan in plans]
    assert len(plans) == 5
    assert found == sorted(found, reverse=True)
    low, high = (math.log(value) for value in SPEEDUPS)
    gaps = [before - after for before, after in pairwise(found)]
    assert all(gap == pytest.approx((high - low) / 4, abs=0.15) for gap in gaps)


def test_the_fastest_comes_alone_and_none_where_none_is_asked_for() -> None:
    assert planned_starts(KNOWN, COSTS, 1) == planned_starts(KNOWN, COSTS, 5)[:1]
    assert planned_starts(KNOWN, COSTS, 0) == ()


def test_a_short_run_has_few() -> None:
    plans = planned_starts(calibration(wandering(6, 3)), COSTS, 8)
    assert [len(plan.full) for plan in plans] == [3, 4, 5]


def test_they_hold_where_a_space_has_nothing_better() -> None:
    kinds = {
        kind.forecast
        for plan in planned_starts(KNOWN, COSTS, 3, "hold")
        for kind in plan.schedule(CALLS).kinds.values()
    }
    assert kinds == {"hold"}


def test_a_speedup_is_that_of_the_costs() -> None:
    assert speedup(5, 50, {"full": 3.0, "0": 0.0}) == 10
    assert speedup(50, 50, COSTS) == 1
