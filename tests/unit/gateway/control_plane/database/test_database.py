# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.control_plane.database.database import upsert
from gateway.control_plane.store_tables import NOTES
from gateway.errors import StoreError
from tests.support.storage import Storage


def test_rows_are_put_over_those_with_their_keys(storage: Storage) -> None:
    database = storage.store().database
    for contents in (b"old", b"new"):
        rows = [{"name": name, "number": 0, "content": contents} for name in ("a", contents.hex())]
        with database.writing() as connection:
            upsert(connection, NOTES, [])
            upsert(connection, NOTES, rows)
    found = storage.execute("SELECT name, content FROM notes ORDER BY name")
    expected = {"a": b"new", b"old".hex(): b"old", b"new".hex(): b"new"}
    assert {name: bytes(content) for name, content in found} == expected


def test_what_raises_within_a_transaction_leaves_nothing(storage: Storage) -> None:
    database = storage.store().database
    row = {"name": "a", "number": 0, "content": b"x"}
    with pytest.raises(KeyError), database.writing() as connection:
        upsert(connection, NOTES, [row])
        raise KeyError("a bug")
    assert storage.execute("SELECT name FROM notes") == []


def test_a_reader_sees_one_state_however_long_it_reads(storage: Storage) -> None:
    database = storage.store().database
    row = {"name": "a", "number": 0, "content": b"x"}
    with database.reading() as reading:
        assert reading.execute(NOTES.select()).all() == []
        with database.writing() as connection:
            upsert(connection, NOTES, [row])
        assert reading.execute(NOTES.select()).all() == []
    with database.reading() as reading:
        assert len(reading.execute(NOTES.select()).all()) == 1


def test_a_second_writer_waits_and_then_is_told(storage: Storage) -> None:
    storage.store()
    quick, slow = storage.database(0.1), storage.database()
    with slow.writing():
        locked = pytest.raises(StoreError, match="is locked by another")
        with locked as caught, quick.writing():
            raise AssertionError("two writers at once")
        assert caught.value.status == 503
    with quick.writing():
        pass
    quick.close()
    slow.close()
