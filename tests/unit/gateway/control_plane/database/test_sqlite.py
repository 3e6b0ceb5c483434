# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.control_plane.database.sqlite import SqliteDatabase
from gateway.control_plane.store import NextRelease, Release, Store
from gateway.errors import StoreError
from tests.support.waiting import eventually


def opened(path: Path, lock_timeout: float = 5.0) -> Store:
    made = Store(SqliteDatabase(path, lock_timeout))
    made.open()
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prefix" / "control-plane.sqlite"


def counting(previous: Release | None) -> NextRelease:
    text = str(1 if previous is None else int(previous.message) + 1)
    return NextRelease("a" * 32, "someone", text, {"consumers": [{"id": "0", "username": text}]})


def test_only_the_owner_can_read_the_files(path: Path) -> None:
    opened(path).append(counting)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_a_locked_database_is_a_503_and_works_again_afterwards(path: Path) -> None:
    quick = opened(path, lock_timeout=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another process") as caught:
        quick.append(counting)
    assert caught.value.status == 503
    assert quick.newest() is None, "reading still works"
    other.execute("ROLLBACK")
    other.close()
    assert eventually(lambda: quick.append(counting))


def test_a_full_disk_is_a_507_and_never_half_a_release(path: Path) -> None:
    full = opened(path)
    full.append(counting)
    full.close()

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count=10")

    sa.event.listen(full.database.engine, "connect", limit)
    many = [{"id": os.urandom(64).hex()} for _ in range(2000)]
    with pytest.raises(StoreError, match="no space left") as caught:
        full.append(lambda _: NextRelease("c" * 32, "someone", "large", {"consumers": many}))
    assert caught.value.status == 507
    assert [info.message for info in full.list(10)] == ["1"]
    assert full.append(counting).number == 2  # type: ignore[union-attr]  # small enough


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give the folder of a file system with a mebibyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a file system needs root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder])
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(file: Path, leave: int) -> None:
    """Have a file take all of its disk but so many bytes."""
    with suppress(OSError), file.open("wb", buffering=0) as out:
        while True:
            out.write(bytes(4096))
    os.truncate(file, max(0, file.stat().st_size - leave))


def test_a_disk_that_is_full_is_a_507_wherever_it_is_met_and_nothing_is_half_done(
    small_disk: Path,
) -> None:
    path, filler = small_disk / "control-plane.sqlite", small_disk / "filler"
    for leave in (0, 4096, 8192, 16384, 40960):
        fill(filler, leave)
        store = Store(SqliteDatabase(path, 5.0))
        with pytest.raises(StoreError, match="no space left") as caught:
            store.open()
        assert caught.value.status == 507
        store.close()
    filler.unlink()
    store = opened(path)
    last = store.append(counting)
    assert last is not None
    for leave in (0, 4096, 12288, 20480):
        fill(filler, leave)
        for _ in range(100):
            try:
                last = store.append(counting) or last
            except StoreError as error:
                assert (error.status, "no space left" in str(error)) == (507, True)
                break
        else:
            raise AssertionError("it is never full")
        newest = store.newest()
        assert newest is not None
        assert newest.number == last.number, "reading goes on"
    store.close()
    filler.unlink()
    again = opened(path)
    following = again.append(counting)
    assert following is not None
    assert following.number == last.number + 1, "and so does writing, once there is room"
    again.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "control-plane.sqlite"
    path.write_bytes(b"not a database at all, and longer than a header" * 100)
    with pytest.raises(StoreError, match=r"control-plane\.sqlite is damaged"):
        opened(path)


def test_a_folder_that_cannot_be_made_is_named_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="KONG_PREFIX"):
        opened(tmp_path / "file" / "prefix" / "control-plane.sqlite")
