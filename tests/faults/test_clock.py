"""A wall clock that jumps by hours: durations are measured by another one."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from search.space import Space, SpaceContext
from search.study.budget import Budget, Spent
from search.study.trial_records import read_records
from tests.postgres import PostgresServer
from tests.search.study.conftest import starts
from tests.search.study.test_postgres import driver_of
from tests.search.study.test_search_loop import make_driver

JUMPS = (0.0, 7 * 3600.0, -5 * 3600.0)


@pytest.fixture(autouse=True)
def jumping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the wall clock is hours away from the one before."""
    jumps, real = itertools.cycle(JUMPS), time.time
    monkeypatch.setattr(time, "time", lambda: real() + next(jumps))
    assert abs(time.time() - time.time()) > 3600


@pytest.mark.parametrize("storage", ["journal", "sqlite"])
def test_budgets_and_locks_do_not_look_at_it(
    tmp_path: Path, space: Space, context: SpaceContext, storage: str
) -> None:
    driver = make_driver(tmp_path, space, context, storage=storage)
    driver.prepare(starts(driver.space, driver.context, 3))
    recorded = list(driver.run(Budget(trials=6, seconds=3600)))
    assert len(recorded) == 6
    assert 0 < Spent.by(recorded).seconds < 60
    assert (
        list(read_records(make_driver(tmp_path, space, context, storage=storage).study)) == recorded
    )


def test_nobody_is_taken_for_dead_by_it(
    postgres: PostgresServer, space: Space, context: SpaceContext
) -> None:
    driver = driver_of(postgres.storage("2m"), space, context)
    driver.prepare(starts(driver.space, driver.context, 3))
    recorded = list(driver.run(Budget(trials=6, seconds=3600)))
    assert len(recorded) == 6 and not any(record.lost for record in recorded)
    assert 0 < Spent.by(recorded).seconds < 60
