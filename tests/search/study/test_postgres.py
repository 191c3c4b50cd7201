"""A study on a PostgreSQL server: one truth for several drivers."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from optuna.trial import TrialState
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from search.errors import UserError
from search.records.folder import StudyFolder
from search.records.record import TrialRecord
from search.settings import SamplerSettings, StorageSettings
from search.space import Space, SpaceContext
from search.study.budget import Budget
from search.study.evaluator import Evaluator
from search.study.refine import Refiner
from search.study.search_loop import Driver
from search.study.server_drivers import ServerDrivers
from search.study.storage import open_study, other_drivers, read_study
from search.study.trial_records import ATTEMPTS, Records, read_records
from tests.postgres import PostgresServer
from tests.search.study.conftest import FakeEvaluator, starts
from tests.search.study.test_search_loop import make_driver
from tests.waiting import until

pytestmark = pytest.mark.timeout(120)
DEAD = "3s"


def driver_of(
    storage: StorageSettings,
    space: Space,
    context: SpaceContext,
    worker: int = 0,
    fake: FakeEvaluator | None = None,
) -> Driver:
    folder = StudyFolder(Path("/nowhere"))
    study = open_study(folder, storage, SamplerSettings(name="random"), 0, worker)
    study.sampler = Refiner(study.sampler, space, context, 0.5, worker)
    evaluator = cast(Evaluator, fake or FakeEvaluator())
    others = other_drivers(study, storage)
    return Driver(study, space, context, evaluator, "fid_reference", others=others)


def test_a_study_goes_on_where_it_was_left(
    postgres: PostgresServer, space: Space, context: SpaceContext
) -> None:
    storage = postgres.storage()
    first = driver_of(storage, space, context)
    first.prepare(starts(first.space, first.context, 2))
    recorded = list(first.run(Budget(trials=3)))
    again = driver_of(storage, space, context)
    assert again.prepare(starts(again.space, again.context, 2)) == 0
    assert list(read_records(again.study)) == recorded
    assert len([*recorded, *again.run(Budget(trials=5))]) == 5
    assert read_records(read_study(StudyFolder(Path("/nowhere")), storage))[:3] == tuple(recorded)


def test_one_driver_tells_the_trials_that_a_journals_would(
    postgres: PostgresServer, space: Space, context: SpaceContext, tmp_path: Path
) -> None:
    journal = make_driver(tmp_path, space, context)
    journal.study.sampler = Refiner(journal.study.sampler, space, context, 0.5, 0)
    records = []
    for driver in (journal, driver_of(postgres.storage(), space, context)):
        driver.prepare(starts(driver.space, driver.context, 2))
        recorded = driver.run(Budget(trials=8))
        records.append([replace(record, seconds=0, overhead_s=0) for record in recorded])
    assert records[0] == records[1]


def test_a_study_that_is_not_there_has_no_trials(postgres: PostgresServer) -> None:
    with pytest.raises(UserError, match="no trials yet"):
        read_study(StudyFolder(Path("/nowhere")), postgres.storage())


def together(drivers: Sequence[Driver], budget: Budget) -> list[TrialRecord]:
    """The trials of several drivers, each in a thread of its own."""

    def run(driver: Driver) -> list[TrialRecord]:
        return list(driver.run(budget))

    with ThreadPoolExecutor(len(drivers)) as threads:
        return [record for recorded in threads.map(run, drivers) for record in recorded]


def test_drivers_share_one_budget_and_evaluate_no_schedule_twice(
    postgres: PostgresServer, space: Space, context: SpaceContext
) -> None:
    storage, fake = postgres.storage(), FakeEvaluator()
    drivers = [driver_of(storage, space, context, worker, fake) for worker in range(4)]
    drivers[0].prepare(starts(drivers[0].space, drivers[0].context, 3))
    recorded = together(drivers, Budget(trials=20))
    assert len(recorded) == len(read_records(drivers[0].study)) == 20
    assert {record.number for record in recorded} == set(range(20))
    assert len(fake.scored) == len(set(fake.scored))


@pytest.fixture
def dying(postgres: PostgresServer, space: Space, context: SpaceContext) -> Driver:
    """A driver whose trial is never heard of again once it was evaluated."""
    driver = driver_of(postgres.storage(DEAD), space, context)
    driver.prepare(starts(driver.space, driver.context, 0))
    return driver


def silent(driver: Driver) -> None:
    """Leave every running trial without a heartbeat for longer than the grace."""
    assert isinstance(driver.others, ServerDrivers)
    with driver.others.storage.engine.begin() as connection:
        connection.execute(
            text("UPDATE trial_heartbeats SET heartbeat = heartbeat - interval '1h'")
        )
        while True:
            statement = "SELECT now() - pg_postmaster_start_time() > interval '3s'"
            if connection.execute(text(statement)).scalar():
                return
            connection.execute(text("SELECT pg_sleep(0.2)"))
            connection.commit()


def proposed(driver: Driver) -> int:
    proposal = driver._propose(Budget(trials=10), Records(driver.study))
    assert proposal is not None
    return proposal.trial.number


def test_a_dead_drivers_trial_is_tried_again_and_counts_once(
    dying: Driver, space: Space, context: SpaceContext
) -> None:
    number = proposed(dying)
    assert not dying.others.lost(dying.study)
    silent(dying)
    storage = dying.others.settings  # type: ignore[attr-defined]
    recorded = list(driver_of(storage, space, context, 1).run(Budget(trials=4)))
    records = read_records(dying.study)
    assert records[number].lost
    assert len(recorded) == 4 and len(records) == 5
    assert [r.origin for r in recorded if r.params == records[number].params] == ["baseline"]


def test_a_trial_that_kills_each_of_its_drivers_is_given_up(dying: Driver) -> None:
    for _ in range(ATTEMPTS):
        baseline = proposed(dying)
        silent(dying)
    list(dying.run(Budget(trials=3)))
    records = read_records(dying.study)
    assert "died at each of 3 attempts" in records[baseline].reason
    assert sum(record.lost for record in records) == ATTEMPTS - 1


def test_a_driver_that_was_taken_for_dead_does_not_overwrite_what_was_recorded(
    dying: Driver, space: Space, context: SpaceContext
) -> None:
    proposal = dying._propose(Budget(trials=4), Records(dying.study))
    assert proposal is not None
    record = dying._evaluate(proposal)
    silent(dying)
    storage = dying.others.settings  # type: ignore[attr-defined]
    list(driver_of(storage, space, context, 1).run(Budget(trials=4)))
    before = read_records(dying.study)
    assert not dying._record(proposal.trial, record)
    assert read_records(dying.study) == before


def test_recording_a_trial_twice_records_it_once(dying: Driver) -> None:
    proposal = dying._propose(Budget(trials=4), Records(dying.study))
    assert proposal is not None
    record = dying._evaluate(proposal)
    assert dying._record(proposal.trial, record)
    assert dying._record(proposal.trial, record)


def test_a_trial_at_work_is_heard_of(dying: Driver) -> None:
    proposal = dying._propose(Budget(trials=4), Records(dying.study))
    assert proposal is not None
    with dying.others.heartbeat(proposal.trial):
        silent(dying)
        assert dying.others.lost(dying.study)
        until(lambda: not dying.others.lost(dying.study), "its heart beats again")


def test_a_schedule_that_is_at_work_elsewhere_is_not_evaluated_again(dying: Driver) -> None:
    first = dying._propose(Budget(trials=9), Records(dying.study))
    assert first is not None
    dying.study.enqueue_trial(dict(first.params))
    second = None
    while second is None or second.params != first.params:
        second = dying._propose(Budget(trials=9), Records(dying.study))
        assert second is not None
    record = dying._evaluate(second)
    assert (record.state, record.images) == ("fail", 0)
    assert record.reason == f"trial {first.trial.number}, which is running, has the same schedule"


def test_drivers_wait_while_the_last_trials_run_elsewhere(
    dying: Driver, space: Space, context: SpaceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = dying._propose(Budget(trials=1), Records(dying.study))
    assert first is not None
    assert dying._propose(Budget(trials=1), Records(dying.study)) is None
    record = dying._evaluate(first)
    waits = []

    def wait(_: ServerDrivers) -> None:
        """Meanwhile the other driver records its trial."""
        waits.append(dying._record(first.trial, record))

    monkeypatch.setattr(ServerDrivers, "wait", wait)
    storage = dying.others.settings  # type: ignore[attr-defined]
    with dying.others.heartbeat(first.trial):
        assert not list(driver_of(storage, space, context, 1).run(Budget(trials=1)))
    assert waits == [True]
    states = [trial.state for trial in dying.study.trials if trial.state.is_finished()]
    assert states == [TrialState.COMPLETE]


@pytest.fixture
def elsewhere(postgres: PostgresServer) -> StorageSettings:
    return StorageSettings(kind="postgres", url="postgresql://dato@127.0.0.1:9/postgres", study="x")


def test_a_server_that_is_not_there_is_one_sentence(elsewhere: StorageSettings) -> None:
    with pytest.raises(UserError, match=r"127\.0\.0\.1/postgres does not answer \(.*refused"):
        read_study(StudyFolder(Path("/nowhere")), elsewhere)


def test_a_wrong_password_is_one_sentence_without_it(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "hunter3")
    with pytest.raises(UserError, match="password authentication failed") as caught:
        read_study(StudyFolder(Path("/nowhere")), postgres.storage())
    assert "hunter3" not in str(caught.value)


def test_psycopg_is_an_extra(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.study.postgres.find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"pip install 'dato\[postgres\]'"):
        read_study(StudyFolder(Path("/nowhere")), postgres.storage())


LOCK = text("SELECT 1 FROM pg_advisory_xact_lock(7)")
WAITING = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")


def test_ctrl_c_waits_for_the_servers_answer(
    postgres: PostgresServer, space: Space, context: SpaceContext
) -> None:
    others = driver_of(postgres.storage(), space, context).others
    assert isinstance(others, ServerDrivers)
    engine, answers = others.storage.engine, []

    def ask() -> None:
        with engine.connect() as connection:
            answers.append(connection.execute(LOCK).scalar())

    def asked() -> bool:
        with engine.connect() as connection:
            return bool(connection.execute(WAITING).scalar())

    def interrupt(holder: Connection) -> None:
        until(asked, "the server is asked")
        os.kill(os.getpid(), signal.SIGINT)
        holder.rollback()

    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with engine.connect() as holder:
            holder.execute(LOCK)
            interrupter = threading.Thread(target=interrupt, args=(holder,))
            interrupter.start()
            with pytest.raises(KeyboardInterrupt):
                others.with_retries(ask)
            interrupter.join()
    finally:
        signal.signal(signal.SIGINT, previous)
    assert answers == [1]


def test_ctrl_c_ends_the_wait_for_a_server_that_is_away(
    postgres: PostgresServer, space: Space, context: SpaceContext
) -> None:
    others = driver_of(postgres.storage(), space, context).others
    tries = []

    def ask() -> None:
        tries.append(1)
        os.kill(os.getpid(), signal.SIGINT)
        raise OperationalError("SELECT 1", None, Exception("it is away"))

    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            others.with_retries(ask)
    finally:
        signal.signal(signal.SIGINT, previous)
    assert len(tries) == 1
