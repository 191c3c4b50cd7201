"""Uniform starts are written for every rule as parameters of the space."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dato import Kind, Schedule, Topology
from search.records.base_sampler import Base
from search.space import load_space
from search.space.lines import without_idle_lines
from search.starts.uniform import uniform, unpatched
from search.starts.writing import NotInSpaceError
from tests.search.space.random_spaces import spaces, topologies
from tests.search.space.worlds import (
    RUN,
    SD15,
    SDXL,
    SHIPPED,
    declared,
    run_of,
    shipped,
)

EXACT = sorted(set(SHIPPED) - {"bases", "bases_flow", "dynamics", "planned", "skipped"})


@pytest.mark.parametrize("name", EXACT)
@given(
    interval=st.integers(2, 16),
    depth=st.integers(0, 3),
    ratio=st.sampled_from([0.0, 0.3, 0.5, 0.7]),
    calls=st.sampled_from([25, 50, 51]),
)
def test_a_uniform_start_decodes_to_its_schedule_with_the_best_forecast(
    name: str, interval: int, depth: int, ratio: float, calls: int
) -> None:
    bound = shipped(name).bind(run_of(calls))
    schedule = shipped(name).decode(uniform(bound, interval, depth, ratio), bound.context)
    prune = {"level_0": ratio} if ratio else {}
    fitted = depth and name != "interval"
    between = Kind(depth, prune if depth else {}, "fitted" if fitted else "linear")
    wanted = [between if call % interval else Kind("full", prune) for call in range(calls)]
    done = [schedule.kind(call) for call in range(calls)]
    assert without_idle_lines(done, each_call=True) == without_idle_lines(wanted, each_call=True)


@settings(max_examples=150)
@given(
    data=st.data(),
    topology=st.sampled_from([SD15, SDXL]) | topologies(),
    calls=st.integers(1, 60),
    interval=st.integers(2, 16),
    depth=st.integers(0, 3),
    ratio=st.sampled_from([0.0, 0.3, 0.5]),
)
def test_whatever_is_written_is_in_the_space(
    data: st.DataObject, topology: Topology, calls: int, interval: int, depth: int, ratio: float
) -> None:
    space, context = load_space(data.draw(spaces(topology))), run_of(calls, topology)
    for base in space.bases:
        bound = space.on(base, context)
        for write in (partial(uniform, bound, interval, depth, ratio), partial(unpatched, bound)):
            try:
                params = space.lifted(write(), base, context)
            except NotInSpaceError:
                continue
            assert space.decode(params, context).calls == context.on(base).calls


def test_of_equal_full_calls_the_even_bias_is_written() -> None:
    assert uniform(shipped("joint").bind(run_of(25)), 25, 1, 0.0)["refresh.bias"] == 1.0


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("calls", [1, 2, 50, 51])
def test_the_unpatched_model_is_in_every_shipped_space(name: str, calls: int) -> None:
    space, context = shipped(name), run_of(calls)
    params = space.lifted(unpatched(space.on(None, context)), None, context)
    assert space.decode(params, context) == Schedule.full(calls)


def test_the_unpatched_model_is_never_approximated() -> None:
    threshold = {"kind": "float", "low": 0.1, "high": 0.4, "step": 0.1}
    bound = load_space(declared(refresh={"rule": "drift", "threshold": threshold})).bind(RUN)
    with pytest.raises(NotInSpaceError, match="every threshold leaves out a call"):
        unpatched(bound)
    assert uniform(bound, 10, 1, 0.0)


def test_the_drift_rule_takes_the_closest_number_of_full_calls() -> None:
    space = shipped("dynamics")
    schedule = space.decode(uniform(space.bind(RUN), 10, 2, 0.5), RUN)
    assert abs(schedule.steps.count("full") - 5) <= 1
    assert schedule.kinds["cached-fitted"].depth == 2
    assert dict(schedule.kinds["cached-fitted"].prune) == {"level_0": 0.5}


def test_a_planned_space_puts_the_full_calls_where_it_is_told() -> None:
    context = replace(RUN, placed=lambda calls, count, *_: (0, *range(calls - count + 1, calls)))
    space = shipped("planned")
    schedule = space.decode(uniform(space.bind(context), 10, 1, 0.0), context)
    full = [call for call in range(50) if schedule.kind(call).depth == "full"]
    assert full == [0, 46, 47, 48, 49]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((26, 1, 0.0), "refresh.interval is never 26 in the space 'interval'"),
        ((5, 4, 0.0), "cached.depth is never 4"),
        ((5, 1, 0.45), r"prune.level_0 is never 0.45"),
    ],
)
def test_what_the_space_lacks_is_said(asked: tuple[int, int, float], said: str) -> None:
    with pytest.raises(NotInSpaceError, match=said):
        uniform(shipped("interval").bind(RUN), *asked)


def test_one_depth_can_serve_all_calls_of_the_per_call_rule() -> None:
    calls = {"depth": {"kind": "choice", "values": [1, "full"]}, "prune": 0.3}
    space = load_space({"name": "flat", "refresh": {"rule": "per_call"}, "calls": calls})
    assert uniform(space.bind(run_of(3)), 4, 1, 0.0) == {"calls.depth": 1}
    with pytest.raises(NotInSpaceError, match="one for all calls"):
        uniform(space.bind(run_of(3)), 2, 1, 0.0)


def test_ranges_that_are_given_are_kept() -> None:
    refresh = {"rule": "interval", "interval": {"kind": "int", "low": 1, "high": 25}}
    space = load_space(declared(refresh=refresh, between={"cached": [0.3, 0.7]}))
    schedule = space.decode(uniform(space.bind(RUN), 5, 1, 0.0), RUN)
    full = {call for call in range(50) if schedule.kind(call).depth == "full"}
    assert full == {*range(15), *range(15, 35, 5), *range(35, 50)}
    assert unpatched(space.bind(RUN))


def test_the_middle_is_left_whole_until_a_trial_narrows_it() -> None:
    space = shipped("middle")
    params = uniform(space.bind(RUN), 5, 0, 0.0)
    assert {name: value for name, value in params.items() if name.startswith("between.")} == {
        "between.cached.start": 0.0,
        "between.cached.end": 1.0,
        "between.prune.start": 0.0,
        "between.prune.end": 1.0,
        "between.forecast.start": 0.0,
    }
    narrow = {**params, "between.cached.start": 0.3, "between.cached.end": 0.7}
    schedule = space.decode(narrow, RUN)
    assert [schedule.kind(call).depth for call in range(50)].count("full") == 34
    assert schedule.kinds["full"] == Kind()


def test_a_base_has_its_own_calls() -> None:
    heun = Base("HeunDiscreteScheduler", 4)
    bases = {"kind": "choice", "values": ["own", {"scheduler": heun.scheduler, "steps": 4}]}
    space = load_space(declared(base=bases))
    context = replace(RUN, bases={heun: run_of(7)})
    params = space.lifted(uniform(space.on(heun, context), 3, 1, 0.0), heun, context)
    assert space.base(params) == heun
    depths = [space.decode(params, context).kind(call).depth for call in range(7)]
    assert depths == ["full", 1, 1, "full", 1, 1, "full"]
