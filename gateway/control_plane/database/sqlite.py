# SPDX-License-Identifier: Apache-2.0
"""A SQLite file: for one control plane, which needs nothing else."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from gateway.control_plane.database.database import Database
from gateway.errors import StoreError


class SqliteDatabase(Database):
    """A file. ``lock_timeout`` is how many seconds a writer waits for another."""

    def __init__(self, path: Path, lock_timeout: float = 5.0) -> None:
        self.path = path
        self.engine = sa.create_engine(f"sqlite:///{path}")
        sa.event.listen(self.engine, "connect", _prepare(lock_timeout))
        sa.event.listen(self.engine, "begin", _begin)

    @property
    def label(self) -> str:
        """The file."""
        return str(self.path)

    def prepare(self) -> None:
        """Create the file, which only we may read: credentials are in it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            text = f"cannot create the database {self.path}: {error.strerror}"
            raise StoreError(f"{text}; set KONG_PREFIX to a folder that can be written") from None

    def lock(self, connection: sa.Connection) -> None:
        """Nothing is left to do: the transaction begins with the lock."""

    def announce(self, connection: sa.Connection, text: str) -> None:
        """Nobody else is told of what is written: there is one control plane."""

    async def listen(self, heard: Callable[[], None]) -> None:
        """Wait: SQLite announces nothing. Who claims the file sees that we are here."""
        try:
            with self.path.with_suffix(".lock").open("a") as file:
                os.fchmod(file.fileno(), 0o600)
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                heard()
                await asyncio.Event().wait()
        except OSError as error:
            text = f"cannot lock the database {self.path}: {error.strerror}"
            raise StoreError(text, 503) from None

    def exists(self) -> bool:
        """Tell whether there is a file."""
        return self.path.exists()

    def claim(self, connection: sa.Connection) -> None:
        """Take the lock that control planes share, until the connection is closed."""
        file = self.path.with_suffix(".lock").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise self._in_use() from None
        sa.event.listen(connection, "commit", lambda _: file.close())
        sa.event.listen(connection, "rollback", lambda _: file.close())

    @property
    def _write_options(self) -> Mapping[str, Any]:
        return {"write": True}

    def wipe(self) -> None:
        """Rewrite the file; what pages and log still hold in clear goes as well."""
        with self._translated(), self.engine.connect() as plain:
            plain.exec_driver_sql("ROLLBACK")
            plain.exec_driver_sql("VACUUM")
            plain.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def error_of(self, error: DBAPIError) -> StoreError:
        """Return what SQLite's error means, with what can be done."""
        name = getattr(error.orig, "sqlite_errorname", "")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            text = f"the database {self.path} is locked by another process; try again"
            return StoreError(text, 503)
        # The second: the file that readers and writers share beside the log cannot grow.
        if name in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"):
            text = f"no space left for the database {self.path}; free some and try again"
            return StoreError(text, 507)
        if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
            return StoreError(f"the database {self.path} cannot be written; check its permissions")
        if name in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
            text = (
                f"the database {self.path} is damaged; move it away, with the files -wal and -shm"
            )
            return StoreError(f"{text} beside it, and run `kafka-gateway database restore BACKUP`")
        return StoreError(f"the database {self.path} failed: {error.orig}")


def _prepare(lock_timeout: float) -> Callable[[Any, object], None]:
    def prepare(connection: Any, _record: object) -> None:
        try:
            set_up(connection)
        except BaseException:
            # Nobody else has it yet: SQLAlchemy leaves it to the collector.
            connection.close()
            raise

    def set_up(connection: Any) -> None:
        # Transactions are begun by `_begin`, not by Python's driver at the first change.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={int(lock_timeout * 1000)}")
        connection.execute("PRAGMA journal_mode=WAL")
        # WAL alone would lose the last commits at a power cut.
        connection.execute("PRAGMA synchronous=FULL")
        # What is replaced is overwritten: releases in clear do not stay in free pages.
        connection.execute("PRAGMA secure_delete=ON")

    return prepare


def _begin(connection: sa.Connection) -> None:
    # A writer takes the lock before it reads: what it builds upon cannot change under it.
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
