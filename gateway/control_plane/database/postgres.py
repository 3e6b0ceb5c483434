# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL: for several control planes at once, which agree on releases.

A writer takes an advisory lock before it reads, so there is one transaction at a time; a reader
sees one state of the database, and waits for nobody. Tables are in one schema, and control planes
with the same schema of the same database are one cluster.
"""

from __future__ import annotations

import secrets
import select
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import psycopg
import sqlalchemy as sa
from psycopg import errors, sql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql.compiler import Compiled

from gateway.control_plane.database.database import Database, Statement
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


_BEGIN = """BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {};
SELECT pg_advisory_xact_lock({}, hashtext({}))"""
_NOTIFY = "SELECT pg_notify(%s, %s)"
_FRESH = 10.0
"""Seconds after its last use in which a connection is looked at only from here."""


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
            pool_size=2,
            max_overflow=4,
            pool_timeout=address.timeout,
        )
        sa.event.listen(self.engine, "connect", _note_use)
        sa.event.listen(self.engine, "checkin", _note_use)
        sa.event.listen(self.engine, "checkout", self._look)
        self._texts: dict[sa.Select[Any], str] = {}
        self._compiled: dict[sa.UpdateBase, Compiled] = {}

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
        """Begin, and take the advisory lock of this schema's writers, in one round trip.

        It goes with the transaction. What is read after it is what the writer before has committed.
        """
        timeout, schema = int(self._lock_timeout * 1000), sql.Literal(self.schema)
        with self._driver(connection) as driver:
            # Several statements without parameters go as one message; none of them is prepared.
            query = sql.SQL(_BEGIN).format(timeout, _WRITERS, schema)
            driver.execute(query, prepare=False)

    @property
    def _write_options(self) -> Mapping[str, Any]:
        # The transaction is begun by ``lock``, not by the driver, which would wait for that alone.
        return {"isolation_level": "AUTOCOMMIT"}

    def answers(
        self, connection: sa.Connection, queries: Sequence[sa.Select[Any]]
    ) -> list[Sequence[Any]]:
        """Send all queries as one message.

        Not by a pipeline: psycopg ends one with a message that the server does not answer, and
        that stops the clock by which it ends transactions in which nothing is asked of it.
        """
        with self._driver(connection) as driver:
            text = "; ".join(self._text(query) for query in queries)
            cursor = driver.execute(text.encode(), (), prepare=False)
            found: list[Sequence[Any]] = [cursor.fetchall()]
            while cursor.nextset():
                found.append(cursor.fetchall())
            return found

    def conclude(
        self, connection: sa.Connection, statements: Sequence[Statement], announced: str
    ) -> None:
        """Send all statements, the announcement and the commit at once.

        One that fails has the server leave out what comes after it, the commit as well.
        """
        with self._driver(connection) as driver, driver.pipeline():
            for one in statements:
                self._send(driver, one)
            driver.execute(_NOTIFY, (CHANNEL, self._payload(announced)))
            driver.execute("COMMIT", prepare=False)

    def announce(self, connection: sa.Connection, text: str) -> None:
        """Notify all that listen, when the transaction is committed."""
        connection.exec_driver_sql(_NOTIFY, (CHANNEL, self._payload(text)))

    def _payload(self, text: str) -> str:
        return f"{self.schema} {self._origin} {text}"

    def _text(self, query: sa.Select[Any]) -> str:
        text = self._texts.get(query)
        if text is None:
            literal = {"literal_binds": True}
            compiled = query.compile(dialect=self.engine.dialect, compile_kwargs=literal)
            text = self._texts[query] = compiled.string
        return text

    def _send(self, driver: PostgresConnection, statement: Statement) -> None:
        compiled = self._compiled.get(statement.clause)
        if compiled is None:
            compiled = statement.clause.compile(dialect=self.engine.dialect)
            self._compiled[statement.clause] = compiled
        rows = [compiled.construct_params(one) or {} for one in statement.rows]
        if len(rows) == 1:
            driver.execute(compiled.string, rows[0])
        else:
            driver.cursor().executemany(compiled.string, rows)

    @contextmanager
    def _driver(self, connection: sa.Connection) -> Iterator[PostgresConnection]:
        """Lend psycopg's connection below one of SQLAlchemy, with its errors as that has them."""
        driver = connection.connection.driver_connection
        assert isinstance(driver, PostgresConnection)
        try:
            yield driver
        except psycopg.Error as error:
            gone = driver.closed
            if gone:
                connection.invalidate(error)
            raise DBAPIError(None, None, error, connection_invalidated=gone) from error

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

    def _look(self, driver: PostgresConnection, record: ConnectionPoolEntry, _: object) -> None:
        """See that the server is still there, before a connection is used again.

        Asking it takes as long as a write waits for a disk, so one that was used just now is only
        looked at: a server that ended it has said so, and is heard.
        """
        if time.monotonic() - record.info["used"] < _FRESH and not _has_news(driver):
            return
        try:
            self.engine.dialect.do_ping(cast(Any, driver))
        except psycopg.Error:
            raise sa.exc.InvalidatePoolError from None

    def _note_failure(self, reason: str) -> None:
        self._failed, self._reason = time.monotonic(), reason


def _note_use(driver: PostgresConnection | None, record: ConnectionPoolEntry) -> None:
    record.info["used"] = time.monotonic()


def _has_news(driver: PostgresConnection) -> bool:
    """Tell whether something has arrived that nobody asked for, the end of the connection too."""
    if driver.closed:
        return True
    poll = select.poll()
    poll.register(driver.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _reason(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "no reason given"


def _current_schema(connection: PostgresConnection) -> str:
    found = connection.execute("SELECT current_schema()").fetchone()
    connection.rollback()
    if found is None or found[0] is None:
        raise psycopg.OperationalError("its user has no schema; set KONG_PG_SCHEMA")
    return str(found[0])
