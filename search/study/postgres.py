"""A study on a PostgreSQL server."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from urllib.parse import urlsplit

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
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

CONNECT = {
    "connect_timeout": 10,
    "application_name": "dato",
    # A minute after a machine vanished the server drops its connections and the turn it held.
    "options": "-c timezone=UTC -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 "
    "-c tcp_keepalives_count=3",
}

TURN = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")


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
        take_turn(connection, "tables")  # two processes that create Optuna's tables would collide
        pool = {"pool_pre_ping": True, "pool_size": 1, "max_overflow": 4}
        storage = RDBStorage(url, engine_kwargs={"connect_args": CONNECT, **pool})
        weakref.finalize(storage, storage.engine.dispose)
        return storage


def take_turn(connection: Connection, name: str) -> None:
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
