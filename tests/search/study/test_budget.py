"""A budget ends the search at the limit that is reached first, over all runs of a study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dato import Schedule
from search.records.record import TrialRecord
from search.settings import BudgetSettings
from search.space import Space, SpaceContext
from search.study.budget import IDLE_TRIALS, Budget, Spent
from search.study.trial_records import read_records
from tests.search.study.conftest import FakeEvaluator, starts
from tests.search.study.test_search_loop import make_driver

TRIAL = TrialRecord(
    0, "complete", "sampler", {}, Schedule.uniform(20, 4), speedup=4.0, images=8, seconds=10.0
)


def test_a_cached_call_counts_its_share_of_a_full_one() -> None:
    assert TRIAL.calls == 8 * 20 / 4
    assert replace(TRIAL, images=0).calls == 0
    assert Spent.by([TRIAL, TRIAL]) == Spent(2, 16, 80.0, 20.0)


@given(st.lists(st.sampled_from([TRIAL, replace(TRIAL, images=0)])), st.integers(0, 5))
def test_what_is_spent_adds_up(records: list[TrialRecord], cut: int) -> None:
    assert Spent.by(records[:cut]) + Spent.by(records[cut:]) == Spent.by(records)


@pytest.mark.parametrize(
    ("budget", "trials"),
    [
        (Budget(trials=3), 3),
        (Budget(images=17), 3),
        (Budget(images=16), 2),
        (Budget(calls=40), 1),
        (Budget(seconds=25), 3),
        (Budget(trials=9, images=99, calls=999, seconds=40), 4),
    ],
)
def test_the_limit_that_is_reached_first_ends_the_search(budget: Budget, trials: int) -> None:
    assert not budget.ended([TRIAL] * (trials - 1))
    assert budget.ended([TRIAL] * trials)


def test_a_space_that_holds_nothing_new_ends_the_search() -> None:
    answered = replace(TRIAL, images=0)
    budget = Budget(images=100)
    assert not budget.ended([TRIAL, *[answered] * (IDLE_TRIALS - 1)])
    assert budget.ended([TRIAL, *[answered] * IDLE_TRIALS])


def test_the_use_of_each_limit_in_words() -> None:
    budget = Budget(trials=30, images=400, seconds=5400)
    spent = Spent(12, 96, 480.0, 61.0)
    assert budget.describe(spent) == "12 of 30 trials, 96 of 400 images, 1m1s of 1h30m"
    assert budget.share(spent) == 0.4


def test_settings_become_a_budget_and_the_default_counts_only_alone() -> None:
    assert Budget.of(BudgetSettings(default_trials=30)) == Budget(trials=30)
    assert Budget.of(BudgetSettings(time="2h", default_trials=30)) == Budget(seconds=7200)
    assert Budget.of(BudgetSettings(trials=5, calls=9.0)) == Budget(trials=5, calls=9.0)


def test_a_resumed_study_counts_what_its_earlier_runs_used(
    tmp_path: Path, space: Space, context: SpaceContext
) -> None:
    class Eight(FakeEvaluator):
        def score(self, record: TrialRecord, finished: object) -> TrialRecord:
            return replace(super().score(record, []), images=8)

    for images in (24, 24, 50):
        driver = make_driver(tmp_path, space, context, Eight())
        driver.prepare(starts(driver.space, driver.context, 3))
        for _ in driver.run(Budget(images=images)):
            pass
        spent = Spent.by(read_records(driver.study)).images
        assert images <= spent < images + 8
