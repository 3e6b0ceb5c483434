# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL of this machine: started without root, stopped, paused, started again.

Looked for on PATH and where Debian keeps it; without one the tests that need it are skipped.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.control_plane.database.postgres import PostgresDatabase
from gateway.control_plane.database.postgres_address import PostgresAddress
from tests.support.ports import free_ports
from tests.support.waiting import PATIENCE, eventually

USER = "kong"
KEY = "k" * 40
"""A key for what is in the database."""
_NOBODY = 65534
"""Who runs the server where the tests run as root, as whom it does not start."""
_SETTINGS = {
    "fsync": "off",
    "max_connections": "60",
    "autovacuum": "off",
    "shared_buffers": "16MB",
    "log_min_messages": "warning",
}


@cache
def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, or None."""
    found = shutil.which("postgres")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


class Postgres:
    """A server on a free port of 127.0.0.1, in a folder of its own."""

    def __init__(
        self, folder: Path, files: Mapping[str, str] | None = None, **settings: str
    ) -> None:
        self.folder = folder
        self._files = files or {}
        (self.port,) = free_ports(1)
        self._settings = {**_SETTINGS, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self._count = 0

    def make(self) -> Postgres:
        """Make the server's files."""
        if os.geteuid() == 0:
            os.chown(self.folder, _NOBODY, _NOBODY)
        place = ["-D", str(self.folder / "data"), "-U", USER, "--auth=trust", "--no-sync"]
        self._run("initdb", *place, "-E", "UTF8", "--locale=C").check_returncode()
        for name, text in self._files.items():
            file = self.folder / "data" / name
            file.touch(mode=0o600)
            file.write_text(text)
            if os.geteuid() == 0:
                os.chown(file, _NOBODY, _NOBODY)
            self._settings[name] = str(file)
        return self

    def start(self) -> Postgres:
        """Start it, and wait until it lets us in."""
        assert self._process is None
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        options += ["-p", str(self.port), "-k", "", "-h", "127.0.0.1"]
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(_program("postgres")), "-D", str(self.folder / "data"), *options],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                **_as_nobody(),
            )
        eventually(self._responds)
        return self

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it; SIGINT ends all connections, SIGQUIT is as if the machine had failed."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(how)
            process.wait(timeout=PATIENCE)

    def restart(self) -> None:
        """Stop it and start it on the same port; what is in it stays."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Let all of it hang: connections stay open, and nothing responds."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause."""
        self._signal(signal.SIGCONT)

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """Connect as a client would, to look at what is in there."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            dbname=database,
            autocommit=True,
            connect_timeout=int(PATIENCE),
        )

    def database(self) -> str:
        """Make an empty database; return its name."""
        self._count += 1
        name = f"test_{os.getpid()}_{self._count}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        return name

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected to it."""
        with self.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)".encode())

    def settings(self, database: str, folder: Path) -> dict[str, str]:
        """Return a control plane's settings for a database; the keyring is in a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        keyring = folder / "keyring"
        keyring.write_text(KEY)
        return {
            "database": "postgres",
            "pg_host": "127.0.0.1",
            "pg_port": str(self.port),
            "pg_user": USER,
            "pg_database": database,
            "keyring_file": str(keyring),
        }

    def address(self, database: str, **more: Any) -> PostgresAddress:
        """Return where a database is."""
        return PostgresAddress("127.0.0.1", self.port, USER, database, **more)

    def opened(self, database: str, lock_timeout: float = 30.0, **more: Any) -> PostgresDatabase:
        """Return a database as the store takes it."""
        return PostgresDatabase(self.address(database, **more), lock_timeout)

    def alone(self) -> Postgres:
        """Return the same without its process, for another process."""
        made = Postgres(self.folder)
        made.port = self.port
        return made

    def _responds(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "postgres.log").read_text()
        with contextlib.suppress(psycopg.OperationalError), self.connect():
            return True
        return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        for process in (self._process.pid, *map(int, children.read_text().split())):
            os.kill(process, number)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [str(_program(program)), *arguments]
        return subprocess.run(command, capture_output=True, timeout=120, **_as_nobody())


def _program(name: str) -> Path:
    folder = binaries()
    assert folder is not None
    return folder / name


def _as_nobody() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": [], "cwd": "/"}


@contextmanager
def running_postgres(files: Mapping[str, str] | None = None, **settings: str) -> Iterator[Postgres]:
    """Run a server for as long as the block lasts; skips the test where there is none.

    ``files`` are the contents of files that settings name.
    """
    if binaries() is None:
        pytest.skip("no PostgreSQL here: install it (Debian: apt-get install postgresql)")
    # Not below pytest's folder, which is closed to the user that the server may run as.
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder), files, **settings).make()
        try:
            yield server.start()
        finally:
            server.stop()
