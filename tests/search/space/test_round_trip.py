"""Whatever a space decodes it encodes: the property that warm starts stand on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dato import Schedule, Topology
from search.records.base_sampler import Base
from search.space import Space, SpaceContext, load_space
from search.space.behaviour import Behaviour
from search.space.slopes import is_fitted_output
from tests.search.space.random_spaces import spaces, topologies
from tests.search.space.worlds import (
    RUN,
    SD15,
    SDXL,
    SHIPPED,
    assignments,
    declared,
    fitting,
    run_of,
    shipped,
)
from tests.strategies import schedules


def _round_trips(
    space: Space, context: SpaceContext, schedule: Schedule, base: Base = None
) -> None:
    params = space.encode(schedule, context, base)
    assert params is not None
    found = space.decode(params, context)
    assert Behaviour.of(found).same_as(Behaviour.of(schedule), context.topology)
    if not any(is_fitted_output(kind) for kind in schedule.kinds.values()):
        assert found == schedule  # slopes are found again within the rounding of their weights


@settings(max_examples=150)
@given(
    data=st.data(),
    topology=st.sampled_from([SD15, SDXL]) | topologies(),
    calls=st.integers(1, 100),
)
def test_what_any_space_decodes_it_can_encode(
    data: st.DataObject, topology: Topology, calls: int
) -> None:
    space, context = load_space(data.draw(spaces(topology))), run_of(calls, topology)
    _round_trips(space, context, space.decode(data.draw(assignments(space, context)), context))


@settings(max_examples=100)
@given(data=st.data(), schedule=schedules())
def test_any_schedule_is_encoded_exactly_or_not_at_all(
    data: st.DataObject, schedule: Schedule
) -> None:
    context = run_of(schedule.calls)
    space = load_space(data.draw(spaces(SD15)))
    params = space.encode(schedule, context)
    if params is not None:
        found = Behaviour.of(space.decode(params, context))
        assert found.same_as(Behaviour.of(schedule), SD15)


@pytest.mark.parametrize("name", SHIPPED)
@given(data=st.data(), calls=st.sampled_from([1, 2, 3, 4, 20, 51]))
def test_what_a_shipped_space_decodes_it_can_encode(
    name: str, data: st.DataObject, calls: int
) -> None:
    space, context = shipped(name), run_of(calls)
    params = data.draw(assignments(space, context))
    _round_trips(space, context, space.decode(params, context), space.base(params))


@settings(max_examples=100)
@given(bias=st.floats(0.5, 2.0), interval=st.integers(1, 25), calls=st.integers(3, 100))
def test_full_calls_of_a_continuous_bias_are_found_again(
    bias: float, interval: int, calls: int
) -> None:
    searched = {
        "rule": "interval",
        "interval": {"kind": "int", "low": 1, "high": 25},
        "bias": {"kind": "float", "low": 0.5, "high": 2.0},
    }
    space, context = load_space(declared(refresh=searched, prune=0.0)), run_of(calls)
    values: dict[str, Any] = {"refresh.interval": min(interval, calls), "refresh.bias": bias}
    _round_trips(space, context, space.decode(values, context))


@settings(max_examples=100)
@given(threshold=st.floats(0.0, 1.0), calls=st.integers(2, 100), log=st.booleans())
def test_full_calls_of_a_continuous_threshold_are_found_again(
    threshold: float, calls: int, log: bool
) -> None:
    domain = {"kind": "float", "low": 0.001 if log else 0.0, "high": 1.0, "log": log}
    searched = {"rule": "drift", "threshold": domain}
    space, context = load_space(declared(refresh=searched, prune=0.0)), run_of(calls)
    values = {"refresh.threshold": max(threshold, 0.001)}
    _round_trips(space, context, space.decode(values, context))


@pytest.mark.parametrize("share", [0.8, 1.0])
def test_calls_that_all_reuse_are_found_again(share: float) -> None:
    reuse = {"kind": "float", "low": 0.0, "high": 1.0, "step": 0.2}
    space = load_space(
        declared(
            refresh={"rule": "interval", "interval": 2},
            cached={"depth": {"kind": "int", "low": 1, "high": 2}, "reuse": reuse},
        )
    )
    values = {"cached.depth": 1, "cached.reuse": share, "prune.level_0": 0.0}
    schedule = space.decode(values, run_of(4))
    assert schedule.steps == ("full", "reuse", "full", "reuse")
    _round_trips(space, run_of(4), schedule)


def test_weights_are_not_compared() -> None:
    space = load_space(declared(forecast={"cut": "fitted"}))
    params = {p.name: p.domain.values[0] for p in space.parameters(RUN)}
    other = space.decode(params, fitting(50))
    assert other.weights
    assert other.weights != space.decode(params, RUN).weights
    assert space.encode(other, RUN) is not None


def test_what_the_space_lacks_is_not_encoded() -> None:
    interval = shipped("interval")
    assert interval.encode_uniform(26, 1, 0.0, RUN) is None
    assert interval.encode_uniform(5, 4, 0.0, RUN) is None
    assert interval.encode_uniform(5, 1, 0.45, RUN) is None
    assert interval.encode(Schedule.uniform(20, 2), RUN) is None
    old = load_space(declared(refresh={"rule": "interval", "interval": 5}))
    assert old.encode(Schedule.uniform(50, 5), RUN) is not None
    assert old.encode(Schedule.uniform(50, 5, forecast="linear"), RUN) is None
