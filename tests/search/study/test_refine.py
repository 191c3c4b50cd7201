"""Proposals are new, stay in the space, and some of them change members of the front."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from search.settings import SamplerSettings
from search.space import Space, SpaceContext, load_space
from search.space.domains import contains
from search.starts.uniform import uniform
from search.study.budget import Budget
from search.study.mutate import mutated
from search.study.refine import ENOUGH, Refiner
from search.study.samplers import make_sampler
from search.study.search_loop import Driver
from search.study.trial_records import read_records
from tests.search.study.conftest import SPACE, starts
from tests.search.study.test_search_loop import make_driver

PER_CALL = {
    "name": "per-call",
    "refresh": {"rule": "per_call"},
    "calls": {
        "depth": {"kind": "choice", "values": [0, 1, "full"], "per": "call"},
        "prune": {"level_0": {"kind": "float", "low": 0.0, "high": 0.5, "step": 0.1}},
    },
}


def refining(
    folder: Path, space: Space, context: SpaceContext, sampler: str, share: float
) -> Driver:
    driver = make_driver(folder, space, context, sampler=sampler)
    base = make_sampler(SamplerSettings.model_validate({"name": sampler}), 0)
    driver.study.sampler = Refiner(base, space, context, share, 0)
    driver.prepare(starts(driver.space, driver.context, 4))
    return driver


@pytest.mark.parametrize(
    "sampler", ["tpe", pytest.param("gp", marks=pytest.mark.slow), "nsga2", "random"]
)
def test_no_schedule_is_proposed_twice(
    tmp_path: Path, space: Space, context: SpaceContext, sampler: str
) -> None:
    driver = refining(tmp_path, space, context, sampler, share=0.3)
    schedules = [record.schedule for record in driver.run(Budget(trials=30))]
    assert len(set(schedules)) == 30


def test_a_space_without_anything_new_repeats_itself(tmp_path: Path, context: SpaceContext) -> None:
    small = load_space(SPACE | {"cached": {"depth": 1, "prune": 0.0}})
    driver = refining(tmp_path, small, context, "random", share=0.5)
    schedules = [record.schedule for record in driver.run(Budget(trials=14))]
    assert len(set(schedules)) == 10


def test_the_share_of_changed_front_members_is_told_as_such_also_in_the_storage(
    tmp_path: Path, space: Space, context: SpaceContext
) -> None:
    driver = refining(tmp_path, space, context, "random", share=1.0)
    origins = [record.origin for record in driver.run(Budget(trials=20))]
    assert origins[ENOUGH:] == ["refine"] * (20 - ENOUGH)
    assert [record.origin for record in read_records(driver.study)] == origins
    assert driver.study.trials[-1].user_attrs["origin"] == "refine"


def test_refining_a_per_call_space_reaches_further_than_drawing_from_it(
    tmp_path: Path, context: SpaceContext
) -> None:
    space = load_space(PER_CALL)

    def best(share: float) -> float:
        driver = refining(tmp_path / str(share), space, context, "random", share)
        scored = [record for record in driver.run(Budget(trials=40)) if record.origin != "baseline"]
        return max(record.speedup or 0.0 for record in scored)

    (tmp_path / "0.0").mkdir()
    (tmp_path / "1.0").mkdir()
    assert best(1.0) > best(0.0)


def test_a_change_is_small_and_stays_in_the_space(context: SpaceContext) -> None:
    space = load_space(PER_CALL)
    parameters = space.parameters(context)
    params = uniform(space.bind(context), 4, 1, 0.5)
    changes = []
    for seed in range(200):
        changed = mutated(params, parameters, random.Random(seed))
        assert all(contains(own.domain, changed[own.name]) for own in parameters)
        changes.append(sum(changed[name] != value for name, value in params.items()))
    assert max(changes) < 20
    assert 1 in changes
    assert 2 in changes


def test_an_exchange_moves_a_full_call(context: SpaceContext) -> None:
    space = load_space(PER_CALL)
    parameters = space.parameters(context)
    params = uniform(space.bind(context), 4, 1, 0.0)

    def fulls(values: dict[str, int | float | str]) -> list[str]:
        return [name for name, value in values.items() if value == "full"]

    moved = [
        changed
        for seed in range(300)
        if len(fulls(changed := mutated(params, parameters, random.Random(seed))))
        == len(fulls(params))
        and fulls(changed) != fulls(params)
    ]
    assert moved
