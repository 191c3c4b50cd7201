"""A database that restarts under load, and drivers of one study that die, lose nothing."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from search.errors import UserError
from search.records.record import TrialRecord
from search.settings import StorageSettings
from search.space import Space, SpaceContext
from search.study.budget import Budget
from search.study.search_loop import Driver
from search.study.server_drivers import ServerDrivers
from search.study.trial_records import read_records
from tests.postgres import PostgresServer
from tests.search.study.conftest import FakeEvaluator, starts
from tests.search.study.test_postgres import driver_of
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
TRIALS = 24


class Slow(FakeEvaluator):
    """Takes its time, so that faults meet a trial."""

    def score(self, record: TrialRecord, finished: object) -> TrialRecord:
        time.sleep(0.3)
        return super().score(record, ())


def search(storage: StorageSettings, space: Space, context: SpaceContext, worker: int) -> None:
    for _ in driver_of(storage, space, context, worker, Slow()).run(Budget(trials=TRIALS)):
        pass


def has_recorded(driver: Driver, trials: int) -> bool:
    """Whether that many trials are recorded, by whichever driver."""
    return len(driver.others.with_retries(lambda: read_records(driver.study))) >= trials


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_restarted_server_interrupts_nobody(
    postgres: PostgresServer, space: Space, context: SpaceContext, how: str
) -> None:
    storage, fake = postgres.storage("5s"), Slow()
    drivers = [driver_of(storage, space, context, worker, fake) for worker in range(3)]
    drivers[0].prepare(starts(drivers[0].space, drivers[0].context, 3))

    def run(number: int) -> list[TrialRecord]:
        return list(drivers[number].run(Budget(trials=TRIALS)))

    with ThreadPoolExecutor(3) as threads:
        working = [threads.submit(run, number) for number in range(3)]
        for trials in (3, 6, 9):
            until(partial(has_recorded, drivers[0], trials), f"{trials} trials are recorded")
            postgres.restart(how)
        recorded = [record for done in working for record in done.result()]
    records = [record for record in read_records(drivers[0].study) if not record.lost]
    assert len(recorded) == len(records) == TRIALS
    assert sum(record.origin == "baseline" for record in records) == 1
    assert sum(record.origin == "warmstart" for record in records) == 3


def test_a_server_that_stays_away_ends_the_search_in_one_sentence(
    postgres: PostgresServer, space: Space, context: SpaceContext
) -> None:
    storage = postgres.storage()
    driver = driver_of(storage, space, context)
    assert isinstance(driver.others, ServerDrivers)
    driver = replace(driver, others=replace(driver.others, patience_s=2.0))
    driver.prepare(starts(driver.space, driver.context, 3))
    trials = driver.run(Budget(trials=6))
    recorded = [next(trials), next(trials)]
    postgres.stop()
    try:
        with pytest.raises(UserError, match=r"does not answer \(.*dato-search resume"):
            list(trials)
    finally:
        postgres.start()
    again = driver_of(storage, space, context)
    assert list(read_records(again.study)) == recorded
    assert len(list(again.run(Budget(trials=6)))) == 4


def test_a_driver_killed_with_9_gives_its_trial_to_the_next(
    postgres: PostgresServer, space: Space, context: SpaceContext
) -> None:
    storage = postgres.storage("3s")
    first = driver_of(storage, space, context)
    first.prepare(starts(first.space, first.context, 3))
    child = os.fork()
    if child == 0:
        try:
            search(storage, space, context, 1)
        finally:
            os._exit(1)
    until(partial(has_recorded, first, 3), "three trials are recorded")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    before = read_records(first.study)
    list(first.run(Budget(trials=TRIALS)))
    records = read_records(first.study)
    assert records[: len(before)] == before
    lost = [record for record in records if record.lost]
    assert sum(not record.lost for record in records) == TRIALS
    for record in lost:
        assert any(r.params == record.params and not r.lost for r in records)
    assert sum(record.origin == "warmstart" for record in records if not record.lost) == 3
