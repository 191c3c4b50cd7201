"""The loop tells every trial's fate to the storage, and picks up where it was stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

import optuna
import pytest
from optuna.trial import TrialState

from search.records.folder import StudyFolder
from search.settings import SamplerSettings, StorageSettings
from search.settings.constraints import Constraints, parse_bounds
from search.space import Space, SpaceContext
from search.starts.uniform import uniform
from search.study.budget import Budget
from search.study.evaluator import Evaluator
from search.study.front_choice import front_of
from search.study.search_loop import Driver
from search.study.storage import open_study
from search.study.trial_records import read_records
from tests.search.study.conftest import FakeEvaluator, starts


def make_driver(
    folder: Path,
    space: Space,
    context: SpaceContext,
    fake: FakeEvaluator | None = None,
    sampler: str = "random",
    storage: str = "journal",
) -> Driver:
    study = open_study(
        StudyFolder(folder),
        StorageSettings.model_validate({"kind": storage}),
        SamplerSettings.model_validate({"name": sampler}),
        seed=0,
    )
    evaluator = cast(Evaluator, fake or FakeEvaluator())
    return Driver(study, space, context, evaluator, "fid_reference")


def run(driver: Driver, trials: int, warmstarts: int = 3) -> None:
    driver.prepare(starts(driver.space, driver.context, warmstarts))
    for _ in driver.run(Budget(trials=trials)):
        pass


def test_the_unpatched_baseline_comes_first_then_the_warm_starts(
    tmp_path: Path, space: Space, context: SpaceContext
) -> None:
    driver = make_driver(tmp_path, space, context)
    run(driver, trials=6)
    records = read_records(driver.study)
    assert [record.origin for record in records] == ["baseline"] + ["warmstart"] * 3 + [
        "sampler"
    ] * 2
    assert records[0].speedup == 1.0
    assert records[0].quality is not None and records[0].quality.fid_reference == 0.0


def test_starts_are_tried_in_their_order(
    tmp_path: Path, space: Space, context: SpaceContext
) -> None:
    driver = make_driver(tmp_path, space, context)
    tried = starts(space, context, 2)
    driver.prepare(tried)
    records = list(driver.run(Budget(trials=3)))
    assert [record.origin for record in records] == ["baseline", "warmstart", "warmstart"]
    assert [record.params for record in records] == [start.params for start in tried]


@pytest.mark.parametrize("storage", ["journal", "sqlite"])
@pytest.mark.parametrize("sampler", ["tpe", "gp", "nsga2", "random"])
def test_every_sampler_and_storage_runs_to_the_budget(
    tmp_path: Path, space: Space, context: SpaceContext, sampler: str, storage: str
) -> None:
    driver = make_driver(tmp_path, space, context, sampler=sampler, storage=storage)
    run(driver, trials=14)
    states = {trial.state for trial in driver.study.trials}
    assert len(driver.study.trials) == 14
    assert states == {TrialState.COMPLETE}


def test_a_failed_trial_is_told_fail_with_its_reason_and_no_number(
    tmp_path: Path, space: Space, context: SpaceContext
) -> None:
    driver = make_driver(tmp_path, space, context, FakeEvaluator(fail_at=1))
    run(driver, trials=4)
    trial = driver.study.trials[1]
    assert trial.state is TrialState.FAIL
    assert trial.values is None
    assert read_records(driver.study)[1].reason == "NaN latents"


def test_an_interrupted_study_resumes_with_nothing_lost(
    tmp_path: Path, space: Space, context: SpaceContext
) -> None:
    driver = make_driver(tmp_path, space, context, FakeEvaluator(interrupt_at=3))
    with pytest.raises(KeyboardInterrupt):
        run(driver, trials=8)
    before = read_records(driver.study)
    lost = driver.study.trials[3]
    assert lost.state is TrialState.RUNNING

    again = make_driver(tmp_path, space, context)
    assert again.prepare(starts(again.space, again.context, 3)) == 1
    for _ in again.run(Budget(trials=9)):
        pass
    records = read_records(again.study)
    assert records[:3] == before
    assert records[3].state == "fail"
    assert "enqueued again" in records[3].reason
    assert any(
        record.params == lost.params and record.state == "complete" for record in records[4:]
    )


def test_a_trial_lost_before_its_first_suggestion_keeps_its_warm_start(
    tmp_path: Path, space: Space, context: SpaceContext
) -> None:
    driver = make_driver(tmp_path, space, context)
    driver.prepare(starts(driver.space, driver.context, 2))
    driver.study.ask()
    again = make_driver(tmp_path, space, context)
    again.prepare(starts(again.space, again.context, 2))
    for _ in again.run(Budget(trials=3)):
        pass
    assert [record.origin for record in read_records(again.study)] == [
        "baseline",
        "warmstart",
        "warmstart",
        "baseline",
    ]


def test_a_journal_cut_in_the_middle_of_a_line_is_repaired(
    tmp_path: Path, space: Space, context: SpaceContext
) -> None:
    run(make_driver(tmp_path, space, context), trials=4)
    journal = StudyFolder(tmp_path).journal
    with journal.open("ab") as file:
        file.write(b'{"op_code": 4, "worker')
    again = make_driver(tmp_path, space, context)
    run(again, trials=6)
    assert len(read_records(again.study)) == 6


def test_a_schedule_seen_before_is_answered_from_the_record(
    tmp_path: Path, space: Space, context: SpaceContext
) -> None:
    fake = FakeEvaluator()
    driver = make_driver(tmp_path, space, context, fake)
    params = uniform(space.bind(context), 5, 1, 0.0)
    for _ in range(2):
        driver.study.enqueue_trial(params)
    for _ in driver.run(Budget(trials=2)):
        pass
    first, second = read_records(driver.study)
    assert len(fake.scored) == 1
    assert second.reason == "same schedule as trial 0"
    assert second.quality == first.quality


def test_optuna_sees_both_objectives(tmp_path: Path, space: Space, context: SpaceContext) -> None:
    driver = make_driver(tmp_path, space, context)
    run(driver, trials=3, warmstarts=2)
    assert driver.study.directions == [optuna.study.StudyDirection.MINIMIZE] * 2
    for trial, record in zip(driver.study.trials, read_records(driver.study), strict=True):
        assert record.quality is not None
        assert trial.values == [record.quality.fid_reference, record.latency_s]


def constrained(folder: Path, space: Space, context: SpaceContext, sampler: str) -> Driver:
    driver = make_driver(folder, space, context, sampler=sampler)
    bounds = Constraints({"speedup": parse_bounds(">=3"), "fid_reference": parse_bounds("<=28")})
    driver = replace(driver, constraints=bounds)
    run(driver, trials=25)
    return driver


@pytest.mark.parametrize("sampler", ["tpe", "gp", "nsga2", "random"])
def test_constraints_reach_optuna_and_the_front(
    tmp_path: Path, space: Space, context: SpaceContext, sampler: str
) -> None:
    driver = constrained(tmp_path, space, context, sampler)
    records = read_records(driver.study)
    for trial, record in zip(driver.study.trials, records, strict=True):
        assert trial.constraints == record.violations
        assert record.speedup is not None
        assert (record.violations["speedup"] <= 0) == (record.speedup >= 3)
    front = front_of(records, "fid_reference")
    assert front
    for member in front:
        assert member.record.speedup is not None and member.record.speedup >= 3
        assert member.record.quality is not None and member.record.quality.fid_reference <= 28


def test_a_schedule_too_slow_for_the_constraints_costs_no_image(
    tmp_path: Path, space: Space, context: SpaceContext
) -> None:
    driver = constrained(tmp_path, space, context, "random")
    baseline, *others = read_records(driver.study)
    assert baseline.state == "complete" and not baseline.feasible
    slow = [record for record in others if record.speedup is not None and record.speedup < 3]
    assert slow
    for record in slow:
        assert (record.state, record.quality, record.images) == ("pruned", None, 0)
        assert "does not keep speed-up >=3" in record.reason
