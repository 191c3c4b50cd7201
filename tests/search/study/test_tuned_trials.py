"""Tuned trials are trials of the study: recorded once, resumed, and no obstacle to a search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from optuna.trial import TrialState

from dato import Schedule
from search.errors import TrialError
from search.records.base_sampler import Base
from search.records.record import TrialRecord
from search.settings import TuneSettings
from search.space import Space, SpaceContext
from search.study.budget import Budget, Spent
from search.study.search_loop import Driver
from search.study.trial_records import ATTEMPTS, read_records
from search.study.tuned_schedule import TunedSchedule
from search.study.tuned_trials import tuned_trials
from tests.search.study.conftest import CALLS
from tests.search.study.test_search_loop import make_driver, run

BASE = Base("DDIMScheduler", 4)
LITTLE, MUCH = TuneSettings(iterations=2, images=4), TuneSettings(iterations=9, images=4)


def shorter(record: TrialRecord) -> TunedSchedule:
    """What tuning makes of any trial here: four calls, in 60 calls' work."""
    return TunedSchedule(Schedule.full(4), BASE, better=True, calls=60.0, seconds=0.0)


def second(records: Sequence[TrialRecord]) -> Sequence[TrialRecord]:
    return records[1:2]


def tuned(driver: Driver, settings: TuneSettings = LITTLE) -> list[TrialRecord]:
    return list(tuned_trials(driver, settings, second, shorter))


@pytest.fixture
def driver(tmp_path: Path, space: Space, context: SpaceContext) -> Driver:
    driver = make_driver(tmp_path, space, context)
    run(driver, trials=4)
    return driver


def test_a_tuned_trial_is_a_complete_trial_with_the_parameters_that_it_comes_from(
    driver: Driver,
) -> None:
    (record,) = tuned(driver)
    before = read_records(driver.study)[1]
    assert (record.number, record.state, record.origin) == (4, "complete", "tuned")
    assert record.params == before.params
    assert (record.base, record.unpatched_calls) == (BASE, CALLS)
    assert record.tuned_from is not None and record.tuned_from.trial == 1
    assert read_records(driver.study)[4] == record
    assert driver.study.trials[4].state is TrialState.COMPLETE


def test_what_it_took_counts_as_spent(driver: Driver) -> None:
    before = Spent.by(read_records(driver.study))
    (record,) = tuned(driver)
    after = Spent.by(read_records(driver.study))
    assert after.trials == before.trials + 1
    assert after.images == before.images + 4, "those that it was tuned towards"
    assert after.calls == before.calls + 60
    assert record.cost == 60 / CALLS


def test_a_trial_is_tuned_again_only_with_more_effort(driver: Driver) -> None:
    assert len(tuned(driver)) == 1
    assert not tuned(driver)
    assert len(tuned(driver, MUCH)) == 1
    assert not tuned(driver, LITTLE)


def test_one_that_was_killed_is_tuned_again_and_never_searched(
    driver: Driver, tmp_path: Path, space: Space, context: SpaceContext
) -> None:
    def killed(record: TrialRecord) -> TunedSchedule:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(tuned_trials(driver, LITTLE, second, killed))
    assert driver.study.trials[4].state is TrialState.RUNNING
    again = make_driver(tmp_path, space, context)
    again.prepare(())
    assert not any(trial.state is TrialState.WAITING for trial in again.study.trials)
    (record,) = tuned(again)
    assert record.number == 5
    assert read_records(again.study)[4].lost


def test_one_that_kills_its_process_each_time_is_given_up(driver: Driver) -> None:
    def killed(record: TrialRecord) -> TunedSchedule:
        raise KeyboardInterrupt

    for _ in range(ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            list(tuned_trials(driver, LITTLE, second, killed))
    assert not tuned(driver)


def test_a_tuning_that_fails_is_a_failed_trial_and_one_that_gains_nothing_a_pruned_one(
    driver: Driver,
) -> None:
    def fails(record: TrialRecord) -> TunedSchedule:
        raise TrialError("Memory ran out.")

    (failed,) = tuned_trials(driver, LITTLE, second, fails)
    assert failed.state == "fail"
    assert failed.reason == "trial 1 could not be tuned: Memory ran out."

    def worse(record: TrialRecord) -> TunedSchedule:
        return TunedSchedule(Schedule.full(4), BASE, better=False, calls=60.0, seconds=0.0)

    (pruned,) = tuned_trials(driver, MUCH, second, worse)
    assert pruned.state == "pruned"
    assert pruned.images == 0, "no image is made of what is no better"
    assert pruned.cost == 60 / CALLS


@pytest.mark.parametrize("sampler", ["tpe", "gp", "nsga2", "random"])
def test_the_search_goes_on_after_a_tuning(
    tmp_path: Path, space: Space, context: SpaceContext, sampler: str
) -> None:
    driver = make_driver(tmp_path, space, context, sampler=sampler)
    run(driver, trials=12)
    tuned(driver)
    records = list(driver.run(Budget(trials=16)))
    assert [record.number for record in records] == [13, 14, 15]
    assert all(set(record.params) == set(driver.study.trials[0].params) for record in records)
