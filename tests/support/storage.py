# SPDX-License-Identifier: Apache-2.0
"""A database of one kind or the other, for the tests that hold for both."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.control_plane.database.choice import FILE
from gateway.control_plane.database.database import Database
from gateway.control_plane.database.sqlite import SqliteDatabase
from gateway.control_plane.store import Store
from tests.support import control_plane
from tests.support.postgres import Postgres


class Storage:
    """One empty database, which any number of stores may open."""

    def __init__(
        self, folder: Path, postgres: Postgres | None = None, database: str | None = None
    ) -> None:
        self.folder = folder
        self._postgres = postgres
        self.name = database or ""
        self._opened: list[Database] = []

    @classmethod
    @contextmanager
    def on(cls, postgres: Postgres, folder: Path) -> Iterator[Storage]:
        """Give a new database of a server; it is removed at the end."""
        made = cls(folder, postgres, postgres.database())
        try:
            yield made
        finally:
            made.close()
            postgres.drop(made.name)

    def close(self) -> None:
        """Close all that was opened on it."""
        for database in self._opened:
            database.close()

    @property
    def kind(self) -> str:
        return "sqlite" if self._postgres is None else "postgres"

    @property
    def path(self) -> Path:
        """The file, of a SQLite database."""
        return self.folder / FILE

    def database(self, lock_timeout: float = 30.0) -> Database:
        """Return it as a store takes it."""
        made: Database
        if self._postgres is None:
            made = SqliteDatabase(self.path, lock_timeout)
        else:
            made = self._postgres.opened(self.name, lock_timeout)
        self._opened.append(made)
        return made

    def alone(self) -> Storage:
        """Return the same without what is open, for another process."""
        return Storage(self.folder, self._postgres and self._postgres.alone(), self.name)

    def store(self, lock_timeout: float = 30.0, **options: Any) -> Store:
        """Open a store on it."""
        made = self.unopened(lock_timeout, **options)
        made.open()
        return made

    def unopened(self, lock_timeout: float = 30.0, **options: Any) -> Store:
        """Return a store on it whose tables are not looked at."""
        return Store(self.database(lock_timeout), **options)

    def execute(self, statement: str, *values: Any) -> list[Any]:
        """Run one statement beside all stores; parameters are question marks."""
        if self._postgres is not None:
            with self._postgres.connect(self.name) as connection:
                found = connection.execute(statement.replace("?", "%s").encode(), values)
                return found.fetchall() if found.description else []
        plain = sqlite3.connect(self.path)
        try:
            with plain:
                return plain.execute(statement, values).fetchall()
        finally:
            plain.close()

    def settings(self) -> dict[str, str]:
        """Return the settings of a control plane that uses it."""
        if self._postgres is None:
            return {}
        return self._postgres.settings(self.name, self.folder)

    @contextmanager
    def chosen(self) -> Iterator[None]:
        """Have all control planes of ``tests.support.control_plane`` use it."""
        control_plane.STORAGE.update(self.settings())
        try:
            yield
        finally:
            control_plane.STORAGE.clear()
