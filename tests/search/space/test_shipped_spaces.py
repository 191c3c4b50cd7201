"""Every space of conf/space decodes to valid schedules, for any run and model."""

from __future__ import annotations

import re
from pathlib import Path

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dato import Topology
from search.starts.uniform import uniform
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
    names = "interval layered per_call dynamics joint planned skipped middle bases bases_flow"
    assert set(SHIPPED) == set(names.split())
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


def test_the_default_space_reaches_mild_and_extreme_schedules() -> None:
    joint = shipped("joint")
    mild = uniform(joint.bind(RUN), 2, 3, 0.0)
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
    params = uniform(joint.bind(RUN), 5, 1, 0.0)
    assert joint.decode({**params, "tokens.protect": 0.4}, RUN) == joint.decode(params, RUN)
