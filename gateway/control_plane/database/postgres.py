# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL: for several control planes at once, which agree on releases.

A writer takes an advisory lock before it reads, so there is one transaction at a time; a reader
sees one state of the database, and waits for nobody. Tables are in one schema, and control planes
with the same schema of the same database are one cluster.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import errors
from sqlalchemy.exc import DBAPIError

from gateway.control_plane.database.database import Database
from gateway.control_plane.database.postgres_address import PostgresAddress
from gateway.errors import StoreError

CHANNEL = "kafka_gateway"
"""Of LISTEN and NOTIFY; a payload is the schema, who writes, and what, with spaces between."""

_WRITERS = 0x6B67
"""First half of the key of the advisory lock of writers; the second tells the schema."""
_LISTENERS = 0x6B6C
"""The same of the lock that all who listen share."""
_AGAIN = 1.0
"""Seconds after an attempt to reach the server in which all others fail at once."""
_SERVER_GONE = ("08", "57P")
"""Beginnings of SQLSTATE: connection exceptions, and a server that goes down or comes up."""


class PostgresConnection(psycopg.Connection[Any]):
    """A connection that is closed when its server is silent for too long.

    libpq has no such limit: a server that hangs, or a network that swallows packets, would block
    its thread for hours.
    """

    patience: float = 5.0
    """Seconds."""
    silent: Callable[[str], None] = staticmethod(lambda _: None)
    """What is called then."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for the server; raises ``psycopg.OperationalError`` when it stays silent."""
        try:
            limit = self.patience if timeout is None else timeout
            return super().wait(gen, interval, limit)
        except errors._WaitTimeout:
            if timeout is not None:
                raise
            text = f"no response within {self.patience:g} s"
            self.silent(text)
            self.pgconn.finish()  # whatever it still sends belongs to nothing
            raise psycopg.OperationalError(text) from None


class PostgresDatabase(Database):
    """One schema of one database. ``lock_timeout``: seconds that a writer waits for another."""

    def __init__(self, address: PostgresAddress, lock_timeout: float = 2.5) -> None:
        self.address = address
        self._lock_timeout = min(lock_timeout, address.timeout / 2)
        self._failed, self._reason = -_AGAIN, ""
        self._schema = address.schema
        self._origin = secrets.token_hex(8)
        self.engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            isolation_level="REPEATABLE READ",
            pool_pre_ping=True,
            pool_size=2,
            max_overflow=4,
            pool_timeout=address.timeout,
        )

    @property
    def label(self) -> str:
        """The database as errors name it."""
        return str(self.address)

    @property
    def schema(self) -> str:
        """The schema that the tables are in, known once there was a connection."""
        return self._schema or ""

    def prepare(self) -> None:
        """Make the schema, if it is not there."""
        wanted = self.address.schema
        if wanted is None:
            return
        with self.writing() as connection:
            query = sa.text("SELECT 1 FROM pg_namespace WHERE nspname = :name")
            if connection.execute(query, {"name": wanted}).scalar() is None:
                connection.execute(sa.schema.CreateSchema(wanted))

    def lock(self, connection: sa.Connection) -> None:
        """Take the advisory lock of this schema's writers; it goes with the transaction."""
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(self._lock_timeout * 1000)}")
        lock = "SELECT pg_advisory_xact_lock(%s, hashtext(%s))"
        connection.exec_driver_sql(lock, (_WRITERS, self.schema))

    @property
    def _write_options(self) -> Mapping[str, Any]:
        # What is read after the lock is what the writer before has committed.
        return {"isolation_level": "READ COMMITTED"}

    def announce(self, connection: sa.Connection, text: str) -> None:
        """Notify all that listen, when the transaction is committed."""
        payload = f"{self.schema} {self._origin} {text}"
        connection.exec_driver_sql("SELECT pg_notify(%s, %s)", (CHANNEL, payload))

    async def listen(self, heard: Callable[[], None]) -> None:
        """Listen on a connection of its own; what we announce ourselves does not count."""
        try:
            with self.address.parameters() as parameters:
                listening = await psycopg.AsyncConnection.connect(**parameters, autocommit=True)
            async with listening:
                lock = "SELECT pg_advisory_lock_shared(%s, hashtext(%s))"
                await listening.execute(lock, (_LISTENERS, self.schema))
                await listening.execute(f"LISTEN {CHANNEL}".encode())
                heard()
                async for notice in listening.notifies():
                    schema, origin, _ = notice.payload.rsplit(" ", 2)
                    if schema == self.schema and origin != self._origin:
                        heard()
        except psycopg.Error as error:
            text = f"cannot listen to database {self.label}: {_reason(error)}"
            raise StoreError(text, 503) from error

    def exists(self) -> bool:
        """A server is asked, whatever is on it."""
        return True

    def claim(self, connection: sa.Connection) -> None:
        """Take the lock that those who listen share; one that has just ended is waited for."""
        lock = "SELECT pg_advisory_xact_lock(%s, hashtext(%s))"
        try:
            connection.exec_driver_sql(lock, (_LISTENERS, self.schema))
        except DBAPIError as error:
            if isinstance(error.orig, errors.LockNotAvailable):
                raise self._in_use() from None
            raise

    def wipe(self) -> None:
        """Nothing: VACUUM is the server's, and who may read its files is for its operator."""

    def error_of(self, error: DBAPIError) -> StoreError:
        """Return what PostgreSQL's error means, with what can be done."""
        found = error.orig
        state = getattr(found, "sqlstate", None) or ""
        reason = _reason(found)
        name = f"the database {self.label}"
        if isinstance(found, errors.LockNotAvailable):
            return StoreError(f"{name} is locked by another control plane; try again", 503)
        if state.startswith("53"):  # insufficient resources: disk full, out of memory
            status = 507 if isinstance(found, errors.DiskFull) else 503
            return StoreError(
                f"{name} has too little room: {reason}; free some and try again", status
            )
        if isinstance(found, errors.InsufficientPrivilege):
            return StoreError(f"{name}: {reason}; grant it to user {self.address.user}")
        if isinstance(found, errors.DataError):
            return StoreError(f"{name} cannot keep this: {reason}; send something else", 400)
        if not state or state.startswith(_SERVER_GONE) or error.connection_invalidated:
            # The first words are Kong's.
            return StoreError(f"failed to connect to database {self.label}: {reason}", 503)
        if isinstance(found, errors.ReadOnlySqlTransaction):
            return StoreError(f"{name} is read only: is KONG_PG_HOST a replica?", 503)
        return StoreError(f"{name} failed: {reason}")

    def _connect(self) -> PostgresConnection:
        if time.monotonic() - self._failed < _AGAIN:
            raise psycopg.OperationalError(self._reason)
        try:
            with self.address.parameters() as parameters:
                made = PostgresConnection.connect(**parameters)
        except psycopg.Error as error:
            self._note_failure(_reason(error))
            raise
        made.patience, made.silent = self.address.timeout, self._note_failure
        try:
            self._schema = self._schema or _current_schema(made)
        except psycopg.Error:
            made.close()
            raise
        return made

    def _note_failure(self, reason: str) -> None:
        self._failed, self._reason = time.monotonic(), reason


def _reason(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no reason given"


def _current_schema(connection: PostgresConnection) -> str:
    found = connection.execute("SELECT current_schema()").fetchone()
    connection.rollback()
    if found is None or found[0] is None:
        raise psycopg.OperationalError("its user has no schema; set KONG_PG_SCHEMA")
    return str(found[0])
