"""The dynamic programme finds what looking at every schedule finds."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.sensitivity.table import Sensitivity
from search.study.optimal import PARTS, Goal, optimal, planned_starts
from tests.oracles.planning import planned_front

CALLS = 5


def sensitivity(seed: int, calls: int = CALLS) -> Sensitivity:
    """Random damages: nothing that the programme may lean on."""
    draw = np.random.default_rng(seed)
    return Sensitivity({depth: draw.random((calls, calls)) for depth in (0, 1, 2)}, 1, 0.0)


@pytest.mark.parametrize("goal", ["total", "worst"])
@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 10**6),
    costs=st.tuples(st.integers(0, 2), st.integers(1, 20), st.integers(1, PARTS)),
)
def test_matches_exhaustive_search(goal: Goal, seed: int, costs: tuple[int, int, int]) -> None:
    parts = {"0": costs[0], "1": costs[1], "2": costs[2], "full": PARTS}
    own = sensitivity(seed)
    found = optimal(own, {name: float(value) for name, value in parts.items()}, goal)
    expected = planned_front(own, parts, goal)
    assert [plan.cost for plan in found] == [cost for cost, _ in expected]
    assert [plan.damage for plan in found] == pytest.approx([damage for _, damage in expected])


@pytest.mark.parametrize("goal", ["total", "worst"])
def test_a_plan_is_a_schedule_of_the_cost_and_the_damage_that_it_says(goal: Goal) -> None:
    own = sensitivity(0, calls=12)
    costs = {"0": 0.0, "1": 4.0, "2": 12.0, "full": float(PARTS)}
    for plan in optimal(own, costs, goal):
        schedule = plan.schedule()
        damages = own.per_call(schedule)
        assert plan.damage == pytest.approx(sum(damages) if goal == "total" else max(damages))
        assert plan.cost == sum(costs[str(schedule.kind(c).depth)] for c in range(12))


def test_plans_run_from_one_full_call_to_all_of_them() -> None:
    found = optimal(sensitivity(1), {"0": 0.0, "1": 0.1, "2": 0.4, "full": 1.0})
    assert found[0].depths == ("full", 0, 0, 0, 0)
    assert found[-1].depths == ("full",) * CALLS
    assert found[-1].damage == 0


def test_warm_starts_are_spread_over_speed_up_the_fastest_first() -> None:
    costs = {"0": 0.0, "1": 0.1, "2": 0.4, "full": 1.0}
    chosen = planned_starts(sensitivity(2, calls=30), costs, 5)
    steps = [math.log(b.cost / a.cost) for a, b in pairwise(chosen)]
    assert len(chosen) == 5
    assert min(steps) > 0
    assert max(steps) - min(steps) < 0.1
    assert planned_starts(sensitivity(2, calls=30), costs, 1) == chosen[:1]
    assert planned_starts(sensitivity(2, calls=30), costs, 0) == ()
