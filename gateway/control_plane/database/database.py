# SPDX-License-Identifier: Apache-2.0
"""What is particular to one kind of database, so that the store need not know which it has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from gateway.errors import StoreError


class Statement(NamedTuple):
    """A write, executed with each of ``rows``, its parameters; none of them is a list.

    ``clause`` lasts as long as the process, so that it is made into SQL once.
    """

    clause: sa.UpdateBase
    rows: Sequence[Mapping[str, Any]]


class Database(ABC):
    """One database, and the rules of its transactions. Methods block and may run in any thread."""

    engine: sa.Engine

    @property
    @abstractmethod
    def label(self) -> str:
        """The database as errors name it; without a secret."""

    @abstractmethod
    def prepare(self) -> None:
        """Have everything there that tables are made in. Raises ``StoreError``."""

    @abstractmethod
    def error_of(self, error: DBAPIError) -> StoreError:
        """Return what the driver's error means."""

    @abstractmethod
    def lock(self, connection: sa.Connection) -> None:
        """Take the one lock of all writers, until the transaction's end.

        What is read afterwards does not change under the writer.
        """

    @abstractmethod
    def announce(self, connection: sa.Connection, text: str) -> None:
        """Tell the other control planes of this database, once the transaction is committed."""

    def answers(
        self, connection: sa.Connection, queries: Sequence[sa.Select[Any]]
    ) -> list[Sequence[Any]]:
        """Return the rows of queries without parameters, which last as long as the process.

        A server is asked all of them in one round trip.
        """
        return [connection.execute(query).all() for query in queries]

    def conclude(
        self, connection: sa.Connection, statements: Sequence[Statement], announced: str
    ) -> None:
        """Execute the last statements of a transaction, announce it and commit.

        A server gets all of that in one round trip.
        """
        for one in statements:
            connection.execute(one.clause, one.rows)
        self.announce(connection, announced)

    @abstractmethod
    async def listen(self, heard: Callable[[], None]) -> None:
        """Call ``heard`` for each announcement of others; returns when it cannot any longer.

        It is called at the beginning as well, for what was missed. Raises ``StoreError``.
        """

    @abstractmethod
    def exists(self) -> bool:
        """Tell whether there can be anything to read."""

    @abstractmethod
    def claim(self, connection: sa.Connection) -> None:
        """Have it for ourselves until the transaction's end.

        Raises ``StoreError`` while a control plane listens, which remembers what it has read.
        """

    @abstractmethod
    def wipe(self) -> None:
        """Have nothing left in the files of what was overwritten or deleted."""

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Read; all queries see one state of the database. Raises ``StoreError``."""
        with self._translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Write, in one transaction, beside which there is no other. Raises ``StoreError``."""
        with self._translated(), self.engine.connect() as plain:
            connection = plain.execution_options(**self._write_options)
            with connection.begin():
                self.lock(connection)
                yield connection

    @property
    def _write_options(self) -> Mapping[str, Any]:
        return {}

    def _in_use(self) -> StoreError:
        text = f"a control plane uses the database {self.label}"
        return StoreError(f"{text}; stop all of them first", 503)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self.error_of(error) from error
        except sa.exc.TimeoutError as error:
            text = f"all connections to the database {self.label} are in use; try again"
            raise StoreError(text, 503) from error


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; one whose primary key is there already replaces what it has."""
    if rows:
        connection.execute(upserting(connection.dialect.name, table), rows)


@cache
def upserting(dialect: str, table: sa.Table) -> sa.UpdateBase:
    """Return the clause of ``upsert``, for rows with all columns; ``dialect`` by its name."""
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    keys = [column.name for column in table.primary_key]
    others = {column.name: insert.excluded[column.name] for column in table.c}
    clause: sa.UpdateBase = insert.on_conflict_do_update(
        index_elements=keys, set_={name: one for name, one in others.items() if name not in keys}
    )
    return clause
