# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
import multiprocessing
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.control_plane.store import NextRelease, Release, Store
from gateway.entities.checks import Table
from gateway.errors import NotFound, StoreError
from tests.support.storage import Storage
from tests.support.waiting import PATIENCE


@pytest.fixture
def store(storage: Storage) -> Store:
    return storage.store()


def draft(text: str, rows: int = 1) -> NextRelease:
    table = {"consumers": [{"id": str(n), "username": text} for n in range(rows)]}
    return NextRelease("a" * 32, "someone", text, table)


def counting(previous: Release | None) -> NextRelease:
    count = 0 if previous is None else int(previous.message)
    return draft(str(count + 1))


def test_a_new_database_has_no_release(store: Store) -> None:
    assert store.newest() is None
    assert store.list(10) == []


def test_texts_with_any_character_are_kept_in_every_database(store: Store) -> None:
    text = "".join(map(chr, range(0x20))) + "\x7f\x80\ufffe\U0001f600"
    store.append(lambda _: NextRelease("a" * 32, text, text, {}))
    (found,) = store.list(1)
    assert found.who == found.message == text.replace("\0", "\ufffd")


@pytest.mark.parametrize("number", [2**31 - 1, 2**31, 2**63, 10**15])
def test_a_number_beyond_all_releases_is_none_of_them(store: Store, number: int) -> None:
    store.append(counting)
    assert [one.number for one in store.list(9, before=number)] == [1]
    with pytest.raises(NotFound, match=f"no release {number}"):
        store.get(number)


def test_releases_are_numbered_from_one_and_kept_over_a_restart(
    storage: Storage, store: Store
) -> None:
    for text in ("one", "two"):
        store.append(lambda _, text=text: draft(text))  # type: ignore[misc]  # binds the text
    store.close()
    again = storage.store()
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


def test_writers_in_many_threads_each_build_on_the_one_before(store: Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: store.append(counting), range(40)))
    numbers = sorted(release.number for release in made if release is not None)
    assert numbers == list(range(1, 41))
    assert store.newest().message == "40"  # type: ignore[union-attr]  # there are 40


def _write(storage: Storage, count: int) -> None:
    store = storage.unopened()
    for _ in range(count):
        store.append(counting)
    store.close()


def test_writers_in_two_processes_each_build_on_the_one_before(
    storage: Storage, store: Store
) -> None:
    store.close()
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(storage.alone(), 15)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(PATIENCE)
        assert writer.exitcode == 0
    newest = store.newest()
    assert newest is not None
    assert (newest.number, newest.message) == (30, "30")


@pytest.mark.parametrize("place", ['entities SET "row"', "releases SET undo"])
def test_a_damaged_database_is_an_error_that_names_the_release(
    storage: Storage, store: Store, place: str
) -> None:
    for _ in range(2):
        store.append(counting)
    storage.execute(f"UPDATE {place} = ?", gzip.compress(b"{")[:-3])
    with pytest.raises(StoreError, match="release 2 in the database is damaged"):
        storage.store().get(1)


def tables() -> st.SearchStrategy[Table]:
    names = st.sampled_from(["a", "b", "c"])
    rows = st.dictionaries(st.sampled_from("0123456789"), names, max_size=6).map(
        lambda found: [{"id": one, "username": found[one]} for one in sorted(found)]
    )
    return rows.map(lambda found: {"consumers": found} if found else {})


@settings(max_examples=25)
@given(st.lists(st.tuples(tables(), st.booleans()), min_size=1, max_size=8))
def test_every_release_is_read_back_as_it_was_written(steps: list[tuple[Table, bool]]) -> None:
    contents = [table for table, _ in steps]
    with tempfile.TemporaryDirectory() as folder:
        storage = Storage(Path(folder))
        made, following = storage.store(), storage.store()
        for table, looked_at in steps:
            made.append(lambda _, table=table: NextRelease("", "w", "m", table))  # type: ignore[misc]  # binds it
            if looked_at:
                newest = following.newest()
                assert newest is not None
                assert newest.table == table, "read by what changed since it was looked at last"
        for store in (made, following, storage.store()):
            found = [store.get(number + 1).table for number in range(len(contents))]
            assert found == contents
            store.close()


def test_what_a_release_takes_does_not_grow_with_the_configuration(
    storage: Storage, store: Store
) -> None:
    rows = [{"id": f"{n:05}", "username": "x" * 200} for n in range(2000)]
    store.append(lambda _: NextRelease("", "w", "m", {"consumers": rows}))
    for number in range(50):
        changed = [*rows]
        changed[number] = {**rows[number], "username": "y"}
        store.append(lambda _, changed=changed: NextRelease("", "w", "m", {"consumers": changed}))  # type: ignore[misc]  # binds it
    query = "SELECT max(length(undo) + length(snapshot)) FROM releases WHERE number > 1"
    ((largest,),) = storage.execute(query)
    assert largest < 1000


def test_data_planes_are_kept_and_forgotten_after_a_while(store: Store) -> None:
    store.save_data_planes([{"id": "a", "last_seen": 10}, {"id": "b", "last_seen": 20}], 0)
    store.save_data_planes([{"id": "b", "last_seen": 30, "hostname": "node"}], 15)
    assert list(store.load_data_planes()) == [{"id": "b", "last_seen": 30, "hostname": "node"}]
