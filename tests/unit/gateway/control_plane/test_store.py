# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
import multiprocessing
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.control_plane.keyring import Keyring
from gateway.control_plane.store import NextRelease, Release, Retention, Store
from gateway.entities.checks import Table
from gateway.errors import NotFound, StoreError
from tests.support.waiting import eventually


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "prefix" / "control-plane.sqlite")
    made.open()
    return made


def draft(text: str, rows: int = 1) -> NextRelease:
    table = {"consumers": [{"id": str(n), "username": text} for n in range(rows)]}
    return NextRelease("a" * 32, "someone", text, table)


def counting(previous: Release | None) -> NextRelease:
    count = 0 if previous is None else int(previous.message)
    return draft(str(count + 1))


def test_a_new_database_has_no_release(store: Store) -> None:
    assert store.newest() is None
    assert store.list(10) == []


def test_releases_are_numbered_from_one_and_kept_over_a_restart(store: Store) -> None:
    for text in ("one", "two"):
        store.append(lambda _, text=text: draft(text))  # type: ignore[misc]  # binds the text
    store.close()
    again = Store(store.path)
    again.open()
    newest = again.newest()
    assert newest is not None
    assert (newest.number, newest.message, newest.who) == (2, "two", "someone")
    assert newest.table == {"consumers": [{"id": "0", "username": "two"}]}
    assert again.get(1).message == "one"
    assert [info.number for info in again.list(10)] == [2, 1]
    assert [info.number for info in again.list(10, before=2)] == [1]
    assert [info.number for info in again.list(1)] == [2]


def test_an_unknown_release_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="no release 7"):
        store.get(7)


def test_a_build_that_returns_nothing_or_raises_writes_nothing(store: Store) -> None:
    assert store.append(lambda _: None) is None
    with pytest.raises(ValueError, match="refused"):
        store.append(_refuse)
    assert store.newest() is None
    assert store.append(lambda _: draft("next")).number == 1  # type: ignore[union-attr]  # made


def _refuse(_: Release | None) -> NextRelease:
    raise ValueError("refused")


def test_only_the_owner_can_read_the_files(store: Store) -> None:
    store.append(lambda _: draft("secret"))
    for file in store.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_writers_in_many_threads_each_build_on_the_one_before(store: Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: store.append(counting), range(40)))
    numbers = sorted(release.number for release in made if release is not None)
    assert numbers == list(range(1, 41))
    assert store.newest().message == "40"  # type: ignore[union-attr]  # there are 40


def _write(path: Path, count: int) -> None:
    store = Store(path, lock_timeout=30)
    for _ in range(count):
        store.append(counting)
    store.close()


def test_writers_in_two_processes_each_build_on_the_one_before(store: Store) -> None:
    store.close()
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(store.path, 15)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    newest = store.newest()
    assert newest is not None
    assert (newest.number, newest.message) == (30, "30")


ENDLESS = """
    import random, sys
    from pathlib import Path
    from gateway.control_plane.store import NextRelease, Store

    store = Store(Path(sys.argv[1]))
    store.open()
    def build(previous):
        number = 1 if previous is None else previous.number + 1
        rows = [{"id": str(n), "username": random.randbytes(200).hex()} for n in range(300)]
        return NextRelease("b" * 32, "someone", str(number), {"consumers": rows})
    while True:
        print(store.append(build).number, flush=True)
"""


def test_a_process_killed_while_it_writes_loses_nothing_that_it_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "control-plane.sqlite"
    for round_ in range(1, 3):
        command = [sys.executable, "-c", textwrap.dedent(ENDLESS), str(path)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert writer.stdout is not None
        confirmed = 0
        for _ in range(10 + round_ * 3):
            confirmed = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        confirmed = max([confirmed, *map(int, writer.stdout.read().split())])
        writer.wait(10)
        writer.stdout.close()
        store = Store(path)
        store.open()
        newest = store.newest()
        assert newest is not None
        assert confirmed <= newest.number <= confirmed + 1
        numbers = [info.number for info in store.list(1000)]
        assert numbers == list(range(newest.number, 0, -1))
        assert all(len(store.get(n).table["consumers"]) == 300 for n in numbers)
        store.close()


def test_a_locked_database_is_a_503_and_works_again_afterwards(store: Store) -> None:
    store.close()
    quick = Store(store.path, lock_timeout=0.05)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another process") as caught:
        quick.append(counting)
    assert caught.value.status == 503
    assert quick.newest() is None, "reading still works"
    other.execute("ROLLBACK")
    other.close()
    assert eventually(lambda: quick.append(counting))


def test_a_full_disk_is_a_507_and_never_half_a_release(store: Store) -> None:
    store.append(counting)
    store.close()
    full = Store(store.path)

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count=8")

    sa.event.listen(full.engine, "connect", limit)
    many = [{"id": os.urandom(64).hex()} for _ in range(2000)]
    with pytest.raises(StoreError, match="no space left") as caught:
        full.append(lambda _: NextRelease("c" * 32, "someone", "large", {"consumers": many}))
    assert caught.value.status == 507
    assert [info.message for info in full.list(10)] == ["1"]
    assert full.append(counting).number == 2  # type: ignore[union-attr]  # small enough


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "control-plane.sqlite"
    path.write_bytes(b"not a database at all, and longer than a header" * 100)
    with pytest.raises(StoreError, match=r"control-plane\.sqlite is damaged"):
        Store(path).open()


def test_a_folder_that_cannot_be_made_is_named_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="KONG_PREFIX"):
        Store(tmp_path / "file" / "prefix" / "control-plane.sqlite").open()


def test_a_database_of_a_newer_version_is_refused(store: Store) -> None:
    with sqlite3.connect(store.path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        Store(store.path).open()


@pytest.mark.parametrize("place", ["entities SET row", "releases SET undo"])
def test_a_damaged_database_is_an_error_that_names_the_release(store: Store, place: str) -> None:
    for _ in range(2):
        store.append(counting)
    with sqlite3.connect(store.path) as connection:
        connection.execute(f"UPDATE {place} = ?", (gzip.compress(b"{")[:-3],))
    connection.close()
    with pytest.raises(StoreError, match="release 2 in the database is damaged"):
        Store(store.path).get(1)


def tables() -> st.SearchStrategy[Table]:
    names = st.sampled_from(["a", "b", "c"])
    rows = st.dictionaries(st.sampled_from("0123456789"), names, max_size=6).map(
        lambda found: [{"id": one, "username": found[one]} for one in sorted(found)]
    )
    return rows.map(lambda found: {"consumers": found} if found else {})


@settings(max_examples=25, deadline=None)
@given(st.lists(tables(), min_size=1, max_size=8))
def test_every_release_is_read_back_as_it_was_written(contents: list[Table]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = Store(Path(folder) / "a.sqlite")
        made.open()
        for table in contents:
            made.append(lambda _, table=table: NextRelease("", "w", "m", table))  # type: ignore[misc]  # binds it
        for store in (made, Store(made.path)):
            found = [store.get(number + 1).table for number in range(len(contents))]
            assert found == contents
            store.close()


def kept(store: Store) -> list[int]:
    return [info.number for info in reversed(store.list(1000))]


def test_old_releases_are_removed_and_the_rest_can_still_be_read(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.sqlite", retention=Retention(count=5))
    store.open()
    for _ in range(3):
        store.append(counting)
    store.append(lambda _: replace(draft("2"), target=2))
    for number in range(5, 13):
        store.append(lambda _, text=str(number): draft(text))  # type: ignore[misc]  # binds it
    assert kept(store) == [8, 9, 10, 11, 12]
    store.append(lambda _: replace(draft("9"), target=9))
    for number in range(14, 19):
        store.append(lambda _, text=str(number): draft(text))  # type: ignore[misc]  # binds it
    assert kept(store) == [14, 15, 16, 17, 18], "nobody names 9 any more"
    store.append(lambda _: replace(draft("15"), target=15))
    for number in range(20, 24):
        store.append(lambda _, text=str(number): draft(text))  # type: ignore[misc]  # binds it
    assert kept(store) == [15, 19, 20, 21, 22, 23], "a rollback went back to 15"
    for again in (store, Store(store.path)):
        for number in kept(store):
            text = "15" if number == 19 else str(number)
            assert again.get(number).table == {"consumers": [{"id": "0", "username": text}]}
        with pytest.raises(NotFound):
            again.get(14)


def test_releases_that_are_too_old_are_removed_but_for_the_newest_ten(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.sqlite", retention=Retention(age=3600.0))
    store.open()
    for _ in range(15):
        store.append(counting)
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE releases SET created_at = 0")
    connection.close()
    again = Store(store.path, retention=Retention(age=3600.0))
    again.append(counting)
    assert kept(again) == list(range(7, 17))
    assert again.get(7).message == "7"


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
    contents = [draft(text, rows).table for text, rows in (("a", 2), ("b", 3))]
    for number, table in enumerate(contents, 1):
        snapshot = Keyring(keys).seal(gzip.compress(orjson.dumps(table)), number)
        row = (number, "a" * 32, 1, "w", str(number), False, snapshot)
        connection.execute("INSERT INTO releases VALUES (?,?,?,?,?,?,?)", row)
    connection.commit()
    connection.close()
    for _ in range(2):
        store = Store(path, keyring=Keyring(keys))
        store.open()
        for _ in range(2):
            store.append(counting)
        for number, table in enumerate(contents, 1):
            assert store.get(number).table == table
        assert store.get(3).table == draft("3").table
        store.close()


def test_what_a_release_takes_does_not_grow_with_the_configuration(store: Store) -> None:
    rows = [{"id": f"{n:05}", "username": "x" * 200} for n in range(2000)]
    store.append(lambda _: NextRelease("", "w", "m", {"consumers": rows}))
    for number in range(50):
        changed = [*rows]
        changed[number] = {**rows[number], "username": "y"}
        store.append(lambda _, changed=changed: NextRelease("", "w", "m", {"consumers": changed}))  # type: ignore[misc]  # binds it
    with sqlite3.connect(store.path) as connection:
        query = "SELECT max(length(undo) + length(snapshot)) FROM releases WHERE number > 1"
        ((largest,),) = connection.execute(query).fetchall()
    connection.close()
    assert largest < 1000


def test_data_planes_are_kept_and_forgotten_after_a_while(store: Store) -> None:
    store.save_data_planes([{"id": "a", "last_seen": 10}, {"id": "b", "last_seen": 20}], 0)
    store.save_data_planes([{"id": "b", "last_seen": 30, "hostname": "node"}], 15)
    assert list(store.load_data_planes()) == [{"id": "b", "last_seen": 30, "hostname": "node"}]
