# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import orjson
import pytest

from gateway.control_plane.database.schema import NEWEST
from gateway.control_plane.database.sqlite import SqliteDatabase
from gateway.control_plane.keyring import Keyring
from gateway.control_plane.store import NextRelease, Release, Store
from gateway.entities.checks import Table
from gateway.errors import StoreError


def table(text: str, rows: int = 1) -> Table:
    return {"consumers": [{"id": str(n), "username": text} for n in range(rows)]}


def counting(previous: Release | None) -> NextRelease:
    text = str(1 if previous is None else int(previous.message) + 1)
    return NextRelease("a" * 32, "someone", text, table(text))


VERSION_1 = """
    CREATE TABLE releases (number INTEGER NOT NULL PRIMARY KEY, hash VARCHAR(32) NOT NULL,
      created_at INTEGER NOT NULL, who TEXT NOT NULL, message TEXT NOT NULL, void BOOLEAN NOT NULL,
      snapshot BLOB NOT NULL);
    CREATE TABLE data_planes (id VARCHAR(36) NOT NULL PRIMARY KEY, last_seen INTEGER NOT NULL,
      row BLOB NOT NULL);
    PRAGMA user_version=1;
"""


@pytest.mark.parametrize("keys", [(), ("k" * 32,)])
def test_a_database_of_version_1_is_taken_over(tmp_path: Path, keys: tuple[str, ...]) -> None:
    path = tmp_path / "old.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(VERSION_1)
    contents = [table(text, rows) for text, rows in (("a", 2), ("b", 3))]
    for number, content in enumerate(contents, 1):
        snapshot = Keyring(keys).seal(gzip.compress(orjson.dumps(content)), number)
        row = (number, "a" * 32, 1, "w", str(number), False, snapshot)
        connection.execute("INSERT INTO releases VALUES (?,?,?,?,?,?,?)", row)
    connection.commit()
    connection.close()
    for _ in range(2):
        store = Store(SqliteDatabase(path), keyring=Keyring(keys))
        store.open()
        for _ in range(2):
            store.append(counting)
        for number, content in enumerate(contents, 1):
            assert store.get(number).table == content
        assert store.get(3).table == table("3")
        store.close()


def test_a_file_of_version_2_is_taken_over_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    store = Store(SqliteDatabase(path))
    store.open()
    for _ in range(3):
        store.append(counting)
    store.close()
    connection = sqlite3.connect(path)
    # What there was before migrations: the same tables, and a number in the file's head.
    connection.executescript("DROP TABLE alembic_version; DROP TABLE tokens; PRAGMA user_version=2")
    connection.close()
    again = Store(SqliteDatabase(path))
    assert again.open() == (None, NEWEST)
    assert [again.get(number).table for number in (1, 2, 3)] == [table(t) for t in "123"]
    again.append(counting)
    assert again.open() == (NEWEST, NEWEST)


def test_a_program_from_before_migrations_sees_a_newer_file(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    Store(SqliteDatabase(path)).open()
    connection = sqlite3.connect(path)
    ((found,),) = connection.execute("PRAGMA user_version").fetchall()
    connection.close()
    assert found > 2, "it refuses what is above 2"


def test_a_file_of_an_unknown_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "new.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(StoreError, match=r"newer version \(form 99\)"):
        Store(SqliteDatabase(path)).open()
