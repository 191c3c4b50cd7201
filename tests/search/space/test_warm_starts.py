"""Warm starts: uniform schedules, encoded exactly, from mild to extreme."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dato import Schedule
from search.space import load_space
from search.space.encode import same
from tests.search.space.worlds import RUN, SDXL, SHIPPED, assignments, declared, run_of, shipped

EXACT = sorted(set(SHIPPED) - {"dynamics", "planned"})


@pytest.mark.parametrize("name", EXACT)
@given(
    interval=st.integers(1, 25),
    depth=st.integers(1, 3),
    ratio=st.sampled_from([0.0, 0.3, 0.5, 0.7]),
    calls=st.sampled_from([25, 50, 51]),
)
def test_a_uniform_schedule_round_trips(
    name: str, interval: int, depth: int, ratio: float, calls: int
) -> None:
    context = run_of(calls)
    params = shipped(name).encode_uniform(interval, depth, ratio, context)
    assert params is not None
    prune = {"level_0": ratio} if ratio else {}
    assert shipped(name).decode(params, context) == Schedule.uniform(calls, interval, depth, prune)


@pytest.mark.parametrize("name", SHIPPED)
@given(data=st.data())
def test_what_a_space_decodes_it_can_encode(name: str, data: st.DataObject) -> None:
    space, context = shipped(name), run_of(20)
    schedule = space.decode(data.draw(assignments(space, context)), context)
    params = space.encode(schedule, context)
    assert params is not None
    assert same(space.decode(params, context), schedule, context.topology)


def test_what_the_space_lacks_is_not_encoded() -> None:
    interval = shipped("interval")
    assert interval.encode_uniform(26, 1, 0.0, RUN) is None
    assert interval.encode_uniform(5, 4, 0.0, RUN) is None
    assert interval.encode_uniform(5, 1, 0.45, RUN) is None
    assert interval.encode(Schedule.uniform(20, 2), RUN) is None


def test_of_equal_placements_the_even_one_is_encoded() -> None:
    params = shipped("joint").encode_uniform(25, 1, 0.0, run_of(25))
    assert params is not None
    assert params["refresh.bias"] == 1.0


def test_the_unpatched_model_is_never_approximated() -> None:
    threshold = {"kind": "float", "low": 0.1, "high": 0.4, "step": 0.1}
    space = load_space(declared(refresh={"rule": "drift", "threshold": threshold}))
    assert space.encode_uniform(1, 1, 0.0, RUN) is None
    assert space.encode_uniform(10, 1, 0.0, RUN) is not None


def test_the_drift_rule_gives_the_closest_number_of_full_calls() -> None:
    params = shipped("dynamics").encode_uniform(10, 2, 0.5, RUN)
    assert params is not None
    schedule = shipped("dynamics").decode(params, RUN)
    assert abs(schedule.steps.count("full") - 5) <= 1
    assert schedule.kinds["cached"].depth == 2
    assert dict(schedule.kinds["cached"].prune) == {"level_0": 0.5}


@pytest.mark.parametrize("calls", [4, 20, 50])
@pytest.mark.parametrize("name", SHIPPED)
def test_starts_are_different_repeatable_and_in_the_space(name: str, calls: int) -> None:
    space, context = shipped(name), run_of(calls)
    starts = space.warm_starts(context, 8)
    assert starts == space.warm_starts(context, 8)
    assert len({tuple(start.items()) for start in starts}) == len(starts) > 0
    names = [p.name for p in space.parameters(context)]
    assert all(list(start) == names for start in starts)


@pytest.mark.parametrize("count", [10, 12])
@pytest.mark.parametrize("name", SHIPPED)
def test_starts_go_from_mild_to_extreme(name: str, count: int) -> None:
    starts = shipped(name).warm_starts(RUN, count)
    schedules = [shipped(name).decode(start, RUN) for start in starts]
    full = [sum(kind.startswith("full") for kind in own.steps) for own in schedules]
    assert len(full) == count
    assert full[0] >= 20
    assert full[-1] <= 3
    assert all(later <= earlier for earlier, later in pairwise(full))
    assert max(schedules[-1].kinds["full"].prune.values()) == 0.7


def test_more_starts_than_there_are_gives_all_of_them() -> None:
    starts = shipped("interval").warm_starts(RUN, 1000)
    assert 30 < len(starts) < 100
    assert shipped("interval").warm_starts(RUN, 0) == ()


def test_starts_exist_where_the_finest_level_has_no_attention() -> None:
    context = run_of(50, SDXL)
    schedules = [
        shipped("joint").decode(start, context)
        for start in shipped("joint").warm_starts(context, 4)
    ]
    assert {"level_1"} == {name for own in schedules for name in own.kinds["full"].prune}
