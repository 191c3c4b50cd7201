"""A study on a PostgreSQL server, and the drivers that share it."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TypeVar
from urllib.parse import urlsplit

from optuna import Study
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, Trial
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
    PendingRollbackError,
    SQLAlchemyError,
)

from search.errors import RESUME, UserError
from search.settings import StorageSettings
from search.study.drivers import running
from search.study.interrupts import uninterrupted

T = TypeVar("T")

PATIENCE_S = 600.0
"""Seconds that the server may fail to answer before the search ends."""

PAUSE_S = 1.0
BEATS = 6
"""Heartbeats within ``storage.grace``."""

CONNECT = {
    "connect_timeout": 10,
    "application_name": "dato",
    # A minute after a machine vanished the server drops its connections and the turn it held.
    "options": "-c timezone=UTC -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 "
    "-c tcp_keepalives_count=3",
}

TURN = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")

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


def open_server(settings: StorageSettings) -> RDBStorage:
    """The storage, with its tables.

    Raises:
        UserError: psycopg is missing, or the server cannot be reached.
    """
    if find_spec("psycopg") is None:
        raise UserError(
            "storage=postgres needs the package psycopg. Install the extra: "
            "pip install 'dato[postgres]'."
        )
    url = (settings.url or "").replace("postgresql:", "postgresql+psycopg:", 1)
    engine = create_engine(url, poolclass=NullPool, connect_args=CONNECT)
    with _reached(settings), engine.begin() as connection:
        _take_turn(connection, "tables")  # two processes that create Optuna's tables would collide
        pool = {"pool_pre_ping": True, "pool_size": 1, "max_overflow": 4}
        storage = RDBStorage(url, engine_kwargs={"connect_args": CONNECT, **pool})
        weakref.finalize(storage, storage.engine.dispose)
        return storage


def _take_turn(connection: Connection, name: str) -> None:
    connection.execute(TURN, {"name": f"dato {name}"})


def connection_failed(error: BaseException | None) -> bool:
    """Whether the connection failed, as opposed to a statement that the server refused."""
    while error is not None:
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        # Optuna repeats a failed statement in the same broken transaction: PendingRollbackError.
        if lost or isinstance(error, OperationalError | InterfaceError | PendingRollbackError):
            return True
        error = error.__cause__
    return False


@contextmanager
def _reached(settings: StorageSettings) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        if not connection_failed(error):
            raise
        raise unreachable(settings, error) from error


def unreachable(settings: StorageSettings, error: BaseException) -> UserError:
    """One sentence about a server that does not answer."""
    parts = urlsplit(settings.url or "")
    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    reason = str(getattr(cause, "orig", cause)).strip().splitlines()[0]
    return UserError(
        f"The database {parts.hostname or 'on this machine'}{parts.path} does not answer "
        f"({reason}). Every recorded trial is kept there. Start the server, or check storage.url, "
        f"~/.pgpass, PGPASSFILE and PGPASSWORD; then go on with {RESUME}."
    )


@dataclass(frozen=True)
class ServerDrivers:
    """The drivers of a study on one server.

    Args:
        storage: as :func:`open_server` gives it.
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
            _take_turn(connection, f"study {self.settings.study}")
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
