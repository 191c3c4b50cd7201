"""Every space of conf/space decodes to valid schedules, for any run and model."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dato import Kind, Schedule, Topology
from tests.search.space.worlds import (
    RUN,
    SD15,
    SDXL,
    SHIPPED,
    assignments,
    run_of,
    shipped,
)


def test_the_shipped_spaces_are_the_documented_ones() -> None:
    names = {"interval", "layered", "per_call", "dynamics", "joint", "planned", "middle", "bases"}
    assert set(SHIPPED) == names
    assert all(shipped(name).name == name for name in SHIPPED)


def test_the_page_says_how_many_dimensions_each_space_has() -> None:
    page = (Path(__file__).parents[3] / "docs" / "tune.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)`.*\| (\d+) \|$", page, re.MULTILINE)
    assert {name: int(count) for name, count in rows} == {
        name: len(shipped(name).parameters(RUN)) for name in SHIPPED
    }


def test_parameters_are_named_by_their_path() -> None:
    names = {name: {p.name for p in shipped(name).parameters(RUN)} for name in SHIPPED}
    assert names["interval"] == {
        "refresh.interval", "cached.depth", "prune.level_0", "forecast.output", "forecast.cut",
    }  # fmt: skip
    assert "full.prune.up_blocks.3.attentions.2" in names["layered"]
    assert {"calls.depth.07", "calls.prune.level_0.00"} <= names["per_call"]
    assert "calls.depth.00" not in names["per_call"]
    assert {"refresh.bias", "cached.reuse", "tokens.protect"} <= names["joint"]


@pytest.mark.parametrize("topology", [SD15, SDXL], ids=["sd15", "sdxl"])
@pytest.mark.parametrize("name", SHIPPED)
@settings(max_examples=15)
@given(data=st.data(), calls=st.sampled_from([1, 2, 3, 20, 51, 101]))
def test_any_assignment_decodes_to_a_schedule_that_fits(
    name: str, topology: Topology, data: st.DataObject, calls: int
) -> None:
    space, context = shipped(name), run_of(calls, topology)
    params = data.draw(assignments(space, context))
    schedule = space.decode(params, context)
    topology.check(schedule)
    assert schedule.calls == context.on(space.base(params)).calls
    assert schedule.kind(0).depth == "full"
    assert len(set(schedule.kinds.values())) == len(schedule.kinds)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_trial_is_asked_for_every_parameter_and_remembers_what_was_decoded(name: str) -> None:
    space = shipped(name)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(3):
        trial = study.ask()
        params = space.suggest(trial, RUN)
        assert list(params) == [p.name for p in space.parameters(RUN)]
        assert space.decode(trial.params, RUN) == space.decode(params, RUN)
        numbers = [value for value in params.values() if not isinstance(value, str)]
        assert all(len(str(value)) <= 6 for value in numbers)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_unpatched_model_is_in_every_shipped_space(name: str) -> None:
    for calls in (1, 2, 50, 51):
        params = shipped(name).encode_uniform(1, 1, 0.0, run_of(calls))
        assert params is not None
        assert shipped(name).decode(params, run_of(calls)) == Schedule.full(calls)


def test_the_default_space_reaches_mild_and_extreme_schedules() -> None:
    joint = shipped("joint")
    mild = joint.encode_uniform(2, 3, 0.0, RUN)
    assert mild is not None
    extreme = {
        **mild,
        "refresh.interval": 25,
        "cached.depth": 1,
        "cached.reuse": 0.6,
        "forecast.slope.early": 1.0,
        "forecast.slope.late": 1.0,
    }
    names = ("full", "cached-fitted", "linear")
    steps = joint.decode(extreme, RUN).steps
    assert joint.decode(mild, RUN).steps.count("full") == 25
    assert [steps.count(kind) for kind in names] == [2, 19, 29]


def test_token_selection_is_dropped_where_nothing_is_pruned() -> None:
    joint = shipped("joint")
    params = joint.encode_uniform(5, 1, 0.0, RUN)
    assert params is not None
    assert joint.decode({**params, "tokens.protect": 0.4}, RUN) == joint.decode(params, RUN)


PUBLISHED = (
    "full 0 1 1 1 1 1 full 1 1 1 1 1 1 1 0 0 full 1 1 1 0 full 1 0 1 1 1 1 1 full 0 0 1 1 1 1 1 1 "
    "1 1 full 1 1 1 1 1 1 1 1 1"
)
"""Depths of the paper's cache strategy for 50 PLMS steps, which are 51 calls."""


def test_the_papers_strategy_is_in_the_per_call_space() -> None:
    kinds = {"full": Kind("full", {"level_0": 0.7}), "1": Kind(1, {"level_0": 0.3}), "0": Kind(0)}
    schedule = Schedule(kinds, tuple(PUBLISHED.split()))
    context = run_of(51)
    params = shipped("per_call").encode(schedule, context)
    assert params is not None
    found = shipped("per_call").decode(params, context)
    assert [found.kind(call) for call in range(51)] == [kinds[name] for name in schedule.steps]
    assert shipped("interval").encode(schedule, context) is None


def test_a_planned_space_puts_full_calls_where_it_is_told() -> None:
    context = replace(RUN, placed=lambda calls, count, _: (0, *range(calls - count + 1, calls)))
    start = shipped("planned").encode_uniform(10, 1, 0.0, context)
    assert start is not None
    schedule = shipped("planned").decode(start, context)
    full = [call for call in range(50) if schedule.kind(call).depth == "full"]
    assert full == [0, 46, 47, 48, 49]


def test_a_line_everywhere_is_in_the_planned_space() -> None:
    line = Schedule.uniform(50, 10, 0, forecast="linear")
    params = shipped("planned").encode(line, RUN)
    assert params is not None
    assert params["refresh.full_calls"] == 5
    assert params["cached.reuse"] == 1.0
    found = shipped("planned").decode(params, RUN)
    assert [found.kind(call) for call in range(50)] == [line.kind(call) for call in range(50)]
