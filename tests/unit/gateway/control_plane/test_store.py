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
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.control_plane.store import NextRelease, Release, Store
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


def test_a_damaged_snapshot_is_an_error_that_names_the_release(store: Store) -> None:
    store.append(counting)
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE releases SET snapshot = ?", (gzip.compress(b"{")[:-3],))
    connection.close()
    with pytest.raises(StoreError, match="release 1 in the database is damaged"):
        Store(store.path).newest()


def test_data_planes_are_kept_and_forgotten_after_a_while(store: Store) -> None:
    store.save_data_planes([{"id": "a", "last_seen": 10}, {"id": "b", "last_seen": 20}], 0)
    store.save_data_planes([{"id": "b", "last_seen": 30, "hostname": "node"}], 15)
    assert list(store.load_data_planes()) == [{"id": "b", "last_seen": 30, "hostname": "node"}]
