"""Warm starts: uniform schedules, encoded exactly, from mild to extreme."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dato import Kind
from search.space import load_space
from search.space.behaviour import Behaviour
from tests.search.space.worlds import RUN, SDXL, SHIPPED, declared, run_of, shipped

EXACT = sorted(set(SHIPPED) - {"bases", "dynamics", "planned"})


@pytest.mark.parametrize("name", EXACT)
@given(
    interval=st.integers(1, 25),
    depth=st.integers(0, 3),
    ratio=st.sampled_from([0.0, 0.3, 0.5, 0.7]),
    calls=st.sampled_from([25, 50, 51]),
)
def test_a_uniform_schedule_is_encoded_with_the_best_forecast(
    name: str, interval: int, depth: int, ratio: float, calls: int
) -> None:
    context, space = run_of(calls), shipped(name)
    params = space.encode_uniform(interval, depth, ratio, context)
    assert params is not None
    found = space.decode(params, context)
    prune = {"level_0": ratio} if ratio else {}
    fitted = depth and name != "interval"
    between = Kind(depth, prune if depth else {}, "fitted" if fitted else "linear")
    kinds = tuple(between if call % interval else Kind("full", prune) for call in range(calls))
    assert Behaviour.of(found).same_as(Behaviour(kinds), context.topology)


def test_of_equal_full_calls_the_even_bias_is_encoded() -> None:
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
    assert schedule.kinds["cached-fitted"].depth == 2
    assert dict(schedule.kinds["cached-fitted"].prune) == {"level_0": 0.5}


@pytest.mark.parametrize("calls", [4, 20, 50])
@pytest.mark.parametrize("name", SHIPPED)
def test_starts_are_different_repeatable_and_in_the_space(name: str, calls: int) -> None:
    space, context = shipped(name), run_of(calls)
    starts = space.warm_starts(context, 8)
    assert starts == space.warm_starts(context, 8)
    assert len({tuple(start.items()) for start in starts}) == len(starts) > 0
    names = [p.name for p in space.parameters(context)]
    assert all(list(start) == names for start in starts)


@pytest.mark.parametrize("name", SHIPPED)
def test_starts_go_from_mild_to_extreme(name: str) -> None:
    starts = shipped(name).warm_starts(RUN, 12)
    schedules = [shipped(name).decode(start, RUN) for start in starts]
    full = [len(Behaviour.of(own).full) for own in schedules]
    assert len(full) == 12
    assert full[0] >= 20
    assert full[-1] == 4
    assert sum(4 <= count <= 12 for count in full) >= 6


@pytest.mark.parametrize("name", SHIPPED)
def test_the_first_trials_forecast_prune_and_go_deeper(name: str) -> None:
    """A study tries the fastest first."""
    first = [shipped(name).decode(own, RUN) for own in shipped(name).warm_starts(RUN, 8)][:-5:-1]
    kinds = [kind for own in first for kind in own.kinds.values()]
    assert Kind(0, forecast="linear") in first[0].kinds.values()
    assert any(kind.prune for kind in kinds)
    assert any(kind.depth not in (0, "full") for kind in kinds)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_parameter_varies_among_the_starts(name: str) -> None:
    starts = shipped(name).warm_starts(RUN, 8)
    for own in shipped(name).parameters(RUN):
        assert len({start[own.name] for start in starts}) > 1, own.name


def test_a_space_without_forecasts_starts_with_what_it_has() -> None:
    old = load_space(declared(cached={"depth": {"kind": "int", "low": 1, "high": 3}}))
    schedules = [old.decode(start, RUN) for start in old.warm_starts(RUN, 8)]
    assert len(schedules) == 8
    assert {kind.forecast for own in schedules for kind in own.kinds.values()} == {"hold"}


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
    assert {"level_1"} == {
        name for own in schedules for kind in own.kinds.values() for name in kind.prune
    }
