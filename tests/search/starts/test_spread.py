"""Uniform starts go from mild to extreme, and every parameter varies among them."""

from __future__ import annotations

import pytest

from dato import Kind
from search.space import load_space
from search.starts.spread import uniform_starts
from tests.search.space.worlds import RUN, SDXL, SHIPPED, declared, run_of, shipped


@pytest.mark.parametrize("calls", [4, 20, 50])
@pytest.mark.parametrize("name", SHIPPED)
def test_starts_are_different_repeatable_and_in_the_space(name: str, calls: int) -> None:
    space, context = shipped(name), run_of(calls)
    starts = uniform_starts(space, context, 8)
    assert starts == uniform_starts(space, context, 8)
    assert len({tuple(start.items()) for start in starts}) == len(starts) > 0
    names = [p.name for p in space.parameters(context)]
    assert all(list(start) == names for start in starts)


INSIDE = sorted(set(SHIPPED) - {"bases_flow", "skipped"})
"""Spaces that prune and cut."""


@pytest.mark.parametrize("name", INSIDE)
def test_starts_go_from_mild_to_extreme(name: str) -> None:
    starts = uniform_starts(shipped(name), RUN, 12)
    schedules = [shipped(name).decode(start, RUN) for start in starts]
    full = [[own.kind(call).depth for call in range(own.calls)].count("full") for own in schedules]
    assert len(full) == 12
    assert full[0] >= 20
    assert full[-1] == 4
    assert sum(4 <= count <= 12 for count in full) >= 6


def test_starts_that_only_skip_go_from_mild_to_extreme() -> None:
    space = shipped("skipped")
    schedules = [space.decode(start, RUN) for start in uniform_starts(space, RUN, 6)]
    full = [[own.kind(call).depth for call in range(own.calls)].count("full") for own in schedules]
    assert full == sorted(full, reverse=True)
    assert full[0] >= 15 and full[-1] <= 5


@pytest.mark.parametrize("name", INSIDE)
def test_the_first_trials_forecast_prune_and_go_deeper(name: str) -> None:
    """A study tries the fastest first."""
    space = shipped(name)
    first = [space.decode(start, RUN) for start in uniform_starts(space, RUN, 8)][:-5:-1]
    kinds = [kind for own in first for kind in own.kinds.values()]
    assert Kind(0, forecast="linear") in first[0].kinds.values()
    assert any(kind.prune for kind in kinds)
    assert any(kind.depth not in (0, "full") for kind in kinds)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_parameter_varies_among_the_starts(name: str) -> None:
    starts = uniform_starts(shipped(name), RUN, 8)
    for own in shipped(name).parameters(RUN):
        assert len({start[own.name] for start in starts}) > 1, own.name


def test_a_space_without_forecasts_starts_with_what_it_has() -> None:
    old = load_space(declared(cached={"depth": {"kind": "int", "low": 1, "high": 3}}))
    schedules = [old.decode(start, RUN) for start in uniform_starts(old, RUN, 8)]
    assert len(schedules) == 8
    assert {kind.forecast for own in schedules for kind in own.kinds.values()} == {"hold"}


def test_more_starts_than_there_are_gives_all_of_them() -> None:
    starts = uniform_starts(shipped("interval"), RUN, 1000)
    assert 30 < len(starts) < 100
    assert uniform_starts(shipped("interval"), RUN, 0) == ()


def test_starts_exist_where_the_finest_level_has_no_attention() -> None:
    context = run_of(50, SDXL)
    schedules = [
        shipped("joint").decode(start, context)
        for start in uniform_starts(shipped("joint"), context, 4)
    ]
    assert {"level_1"} == {
        name for own in schedules for kind in own.kinds.values() for name in kind.prune
    }


@pytest.mark.parametrize("name", ["bases", "bases_flow"])
def test_the_bases_take_turns(name: str) -> None:
    space = shipped(name)
    starts = uniform_starts(space, RUN, 8)
    assert [space.base(start) for start in starts[: len(space.bases)]] == list(space.bases)
    assert len({tuple(start.items()) for start in starts}) == len(starts)
