"""A real PostgreSQL server on loopback, started and ended by the tests, as an unprivileged user."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from search.settings import StorageSettings

PASSWORD = "hunter2-planted"
OPTIONS = (
    "-c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off "
    "-c shared_buffers=16MB -c max_connections=100"
)


@dataclass
class PostgresServer:
    """One server.

    Args:
        tools: folder of ``initdb`` and ``pg_ctl``.
        user: who runs it; ``None`` is the present user.
        home: folder of its data, its password and its log.
    """

    tools: Path
    user: str | None
    home: Path
    port: int
    names: Iterator[int] = field(default_factory=count)

    @property
    def url(self) -> str:
        return f"postgresql://dato@127.0.0.1:{self.port}/postgres"

    def storage(self, grace: str = "2m") -> StorageSettings:
        """A study of its own on this server."""
        return StorageSettings(
            kind="postgres", url=self.url, study=f"study-{next(self.names)}", grace=grace
        )

    def create(self) -> None:
        """Make the database, for one user with a password."""
        password = self.home / "password"
        password.write_text(PASSWORD)
        if self.user is not None:
            shutil.chown(self.home, self.user)
            shutil.chown(password, self.user)
        self._run(
            "initdb", "-U", "dato", "--auth=scram-sha-256", f"--pwfile={password}", "--no-sync"
        )

    def start(self) -> None:
        self._control("start", "-o", f"-p {self.port} {OPTIONS}")

    def stop(self, how: str = "immediate") -> None:
        self._control("stop", "-m", how)

    def restart(self, how: str) -> None:
        """``how``: ``"fast"`` ends all sessions, ``"immediate"`` is a crash."""
        self._control("restart", "-m", how, "-o", f"-p {self.port} {OPTIONS}")

    def _control(self, verb: str, *arguments: str) -> None:
        self._run("pg_ctl", verb, "-w", "-t", "60", "-l", str(self.home / "log"), *arguments)

    def _run(self, tool: str, *arguments: str) -> None:
        command = [str(self.tools / tool), "-D", str(self.home / "data"), *arguments]
        # The server keeps its standard streams, so a pipe would never end.
        with (self.home / "control.log").open("a") as log:
            done = subprocess.run(
                command, stdout=log, stderr=log, cwd="/", timeout=120, **self._identity()
            )
        assert done.returncode == 0, (self.home / "control.log").read_text()

    def _identity(self) -> dict[str, Any]:
        """Who runs a tool, as :func:`subprocess.run` takes it."""
        if self.user is None:
            return {}
        account = pwd.getpwnam(self.user)
        home = {**os.environ, "HOME": account.pw_dir, "USER": self.user, "LOGNAME": self.user}
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "env": home}


def _tools() -> Path | None:
    """The newest server of this machine; Debian keeps it out of ``PATH``."""
    found = shutil.which("pg_ctl")
    if found is not None:
        return Path(found).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")
    return max((path.parent for path in debian), default=None)


def _user() -> str | None:
    """Who runs the server: nobody that is root, because PostgreSQL refuses to."""
    if os.geteuid() != 0:
        return None
    known = {account.pw_name for account in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _missing(tools: Path | None) -> Sequence[str]:
    missing = [name for name in ("psycopg",) if importlib.util.find_spec(name) is None]
    return [*missing, *([] if tools else ["a PostgreSQL server (apt-get install postgresql)"])]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running server; its password is in the environment alone."""
    tools = _tools()
    if missing := _missing(tools):
        pytest.skip(f"needs {' and '.join(missing)}")
    assert tools is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    before = os.environ.get("PGPASSWORD")
    # Not below pytest's own folder, which is closed to other users.
    with tempfile.TemporaryDirectory(prefix="dato-postgres-") as home:
        server = PostgresServer(tools, _user(), Path(home), port)
        server.create()
        server.start()
        os.environ["PGPASSWORD"] = PASSWORD
        try:
            yield server
        finally:
            server.stop()
            os.environ.pop("PGPASSWORD")
            if before is not None:
                os.environ["PGPASSWORD"] = before
