"""The drivers that share a study on a PostgreSQL server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

from optuna import Study
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, Trial
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from search.settings import StorageSettings
from search.study.drivers import running
from search.study.interrupts import uninterrupted
from search.study.postgres import connection_failed, take_turn, unreachable

T = TypeVar("T")

PATIENCE_S = 600.0
"""Seconds that the server may fail to answer before the search ends."""

PAUSE_S = 1.0
BEATS = 6
"""Heartbeats within ``storage.grace``."""

LOST = text(
    """
    SELECT trials.number
    FROM trials LEFT JOIN trial_heartbeats USING (trial_id)
    WHERE trials.study_id = :study AND trials.state = 'RUNNING'
      AND coalesce(heartbeat, '-infinity') < now()::timestamp - :grace * interval '1 second'
      AND pg_postmaster_start_time() < now() - :grace * interval '1 second'
    """
)
"""Running trials whose last heartbeat is older than the grace.

A trial without any heartbeat belongs to a driver that died during its turn. While the server was
down no driver could send one, so no trial is lost before the server has been up for the grace."""


@dataclass(frozen=True)
class ServerDrivers:
    """The drivers of a study on one server.

    Args:
        storage: as :func:`~search.study.postgres.open_server` gives it.
        settings: its address, and ``grace``: seconds without a heartbeat after which a driver
            counts as dead.
        patience_s: seconds that the server may fail to answer.
    """

    storage: RDBStorage
    settings: StorageSettings
    patience_s: float = PATIENCE_S

    @contextmanager
    def turn(self) -> Iterator[None]:
        """See :class:`~search.study.drivers.OtherDrivers`. The server ends a turn when its
        holder dies."""
        with self.storage.engine.begin() as connection:
            take_turn(connection, f"study {self.settings.study}")
            yield

    def lost(self, study: Study) -> Sequence[FrozenTrial]:
        arguments = {"study": study._study_id, "grace": self.settings.grace_s}
        with self.storage.engine.connect() as connection:
            numbers = set(connection.execute(LOST, arguments).scalars())
        return [trial for trial in running(study) if trial.number in numbers] if numbers else []

    def running_trials(self, study: Study) -> Sequence[FrozenTrial]:
        return running(study)

    def claim(self, trial: Trial) -> None:
        self.storage.record_heartbeat(trial._trial_id)

    @contextmanager
    def heartbeat(self, trial: Trial) -> Iterator[None]:
        ended = threading.Event()
        beating = threading.Thread(target=self._beat, args=(trial, ended), daemon=True)
        beating.start()
        try:
            yield
        finally:
            ended.set()
            beating.join()

    def _beat(self, trial: Trial, ended: threading.Event) -> None:
        while not ended.wait(self.settings.grace_s / BEATS):
            with suppress(SQLAlchemyError, StorageInternalError):  # the next beat tries again
                self.claim(trial)

    def wait(self) -> None:
        time.sleep(PAUSE_S)

    def with_retries(self, step: Callable[[], T]) -> T:
        silent_since: float | None = None
        while True:
            with uninterrupted():
                try:
                    return step()
                except (SQLAlchemyError, StorageInternalError) as error:
                    if not connection_failed(error):
                        raise
                    silent = error
            silent_since = silent_since or time.monotonic()
            if time.monotonic() - silent_since > self.patience_s:
                raise unreachable(self.settings, silent) from silent
            time.sleep(PAUSE_S)
