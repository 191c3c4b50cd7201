"""No dead dimensions: changing any parameter changes the schedule for some assignment."""

from __future__ import annotations

from typing import Any

import pytest

from dato import Topology
from search.space import Parameter, Space, SpaceContext
from tests.search.space.worlds import SD15, SDXL, SHIPPED, random_assignments, run_of, shipped

RUNS = [(calls, topology) for calls in (20, 50) for topology in (SD15, SDXL)]


@pytest.mark.parametrize(("calls", "topology"), RUNS, ids=["20", "20-xl", "50", "50-xl"])
@pytest.mark.parametrize("name", SHIPPED)
def test_every_parameter_changes_the_schedule(name: str, calls: int, topology: Topology) -> None:
    space, context = shipped(name), run_of(calls, topology)
    starts = random_assignments(space, context, 80)
    dead = [p.name for p in space.parameters(context) if not _live(space, context, p, starts)]
    assert dead == []


def _live(
    space: Space, context: SpaceContext, parameter: Parameter, starts: list[dict[str, Any]]
) -> bool:
    values = parameter.domain.values
    return any(
        space.decode({**start, parameter.name: values[0]}, context)
        != space.decode({**start, parameter.name: values[-1]}, context)
        for start in starts
    )


def test_dimensions_that_no_call_runs_do_not_exist() -> None:
    names = [p.name for p in shipped("dynamics").parameters(run_of(50, SDXL))]
    assert "full.prune.level_1" in names
    assert "cached.prune.level_1" not in names  # SDXL's depths 1 to 3 run no self-attention


def test_a_run_of_one_call_has_only_its_own_dimensions() -> None:
    names = [p.name for p in shipped("joint").parameters(run_of(1))]
    assert names == ["full.prune.level_0", "tokens.protect"]
