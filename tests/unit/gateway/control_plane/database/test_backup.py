# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import orjson
import pytest

from gateway.control_plane.access.tokens import TokenStore
from gateway.control_plane.database.backup import backup, restore
from gateway.control_plane.keyring import Keyring
from gateway.control_plane.retention import Retention
from gateway.control_plane.store import NextRelease, Release, Store
from gateway.control_plane.tables import METADATA
from gateway.errors import StoreError
from tests.support.control_plane import running
from tests.support.documents import story
from tests.support.postgres import Postgres
from tests.support.storage import Storage
from tests.support.waiting import eventually

KEYS = Keyring(["k" * 40])


def counting(previous: Release | None) -> NextRelease:
    number = 1 if previous is None else previous.number + 1
    rows = [{"id": str(n), "username": f"{n} of {number}"} for n in range(number % 4)]
    return NextRelease("a" * 32, "someone", str(number), {"consumers": rows} if rows else {})


def filled(storage: Storage) -> Store:
    store = storage.store(keyring=KEYS, retention=Retention(count=5))
    for _ in range(9):
        store.append(counting)
    store.save_data_planes([{"id": "node", "last_seen": 7, "hostname": "a"}], 0)
    store.keep_note("left out", [{"a": 1}])
    TokenStore(store).create("ci", ["write"], ["team"], "test", None)
    return store


def everything(store: Store) -> list[list[tuple[object, ...]]]:
    with store.reading() as connection:
        return [
            [tuple(row) for row in connection.execute(table.select().order_by(*table.primary_key))]
            for table in METADATA.sorted_tables
        ]


@pytest.mark.parametrize("into", ["sqlite", "postgres"])
def test_a_backup_of_either_kind_is_taken_back_by_either(
    storage: Storage, into: str, postgres: Postgres, tmp_path: Path
) -> None:
    store = filled(storage)
    content, counts = backup(store.database)
    assert counts["releases"] == 5
    other = tmp_path / "other"
    other.mkdir()
    if into == "sqlite":
        target = Storage(other).store(keyring=KEYS)
        assert restore(target, content) == counts
        compare(store, target)
    else:
        with Storage.on(postgres, other) as made:
            target = made.store(keyring=KEYS)
            assert restore(target, content) == counts
            compare(store, target)


def compare(store: Store, target: Store) -> None:
    assert everything(target) == everything(store)
    for number in range(5, 10):
        assert target.get(number) == store.get(number)
    assert target.append(counting).number == 10  # type: ignore[union-attr]  # there are nine
    target.close()


def test_what_is_encrypted_stays_so_and_needs_its_key(storage: Storage, tmp_path: Path) -> None:
    content, _ = backup(filled(storage).database)
    assert b"of 9" not in gzip.decompress(content)
    other = Storage(tmp_path / "other").store(keyring=Keyring(["n" * 40]))
    with pytest.raises(StoreError, match="a key that is not in KONG_KEYRING_FILE"):
        restore(other, content)
    assert other.newest() is None
    assert other.list(9) == [], "nothing of it is there"


def test_what_is_there_is_lost_only_when_that_is_asked_for(storage: Storage) -> None:
    store = filled(storage)
    content, _ = backup(store.database)
    store.append(counting)
    with pytest.raises(StoreError, match="is not empty; say --replace"):
        restore(store, content)
    assert store.newest().number == 10  # type: ignore[union-attr]  # as before
    restore(store, content, replace=True)
    assert store.newest().number == 9  # type: ignore[union-attr]  # as it was


def damaged() -> list[bytes]:
    head: list[object] = [{"kind": "kafka-gateway database", "form": "1"}, []]
    lines = [orjson.dumps(one) for one in head]
    return [
        b"",
        b"{}",
        gzip.compress(b"{}", mtime=0),
        gzip.compress(b"\n".join(lines), mtime=0),
        gzip.compress(b"\n".join([*lines, b'{"rows":2}']), mtime=0),
        gzip.compress(b"\n".join([*lines, b'{"rows":1}']), mtime=0)[:-9],
    ]


@pytest.mark.parametrize("content", damaged())
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, content: bytes) -> None:
    store = Storage(tmp_path).store()
    store.append(counting)
    with pytest.raises(StoreError, match=r"is no backup .* or not all of it"):
        restore(store, content, replace=True)
    assert store.newest() is not None


def test_a_backup_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    head = {"kind": "kafka-gateway database", "form": "999"}
    content = gzip.compress(orjson.dumps(head) + b'\n{"rows":0}')
    with pytest.raises(StoreError, match=r"newer version \(form 999\)"):
        restore(Storage(tmp_path).store(), content)


async def test_a_control_plane_that_runs_is_not_written_over(
    storage: Storage, tmp_path: Path
) -> None:
    values = storage.settings()
    async with running(tmp_path, **values) as place:
        await place.publish(story())
        store = place.made.store
        content, _ = await asyncio.to_thread(backup, store.database)
        hasty = storage.unopened(0.1, keyring=store.keyring)

        def refused() -> bool:
            try:
                restore(hasty, content, replace=True)
            except StoreError as error:
                return "stop all of them first" in str(error)
            return False

        # It listens a moment after it has started.
        assert await asyncio.to_thread(eventually, refused, 20)
    other = storage.unopened(keyring=store.keyring)
    await asyncio.to_thread(restore, other, content, replace=True)
    async with running(tmp_path, **values) as place:
        assert (await place.publish(story())).body["unchanged"] is True
