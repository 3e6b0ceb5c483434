# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import sqlalchemy as sa

from gateway.control_plane.database.database import Statement, upsert, upserting
from gateway.control_plane.database.schema import FORM, NEWEST
from gateway.control_plane.store_tables import NOTES
from gateway.errors import StoreError
from tests.support.storage import Storage

_ODD = "100 %s; it's \\"
_NAMED = sa.select(NOTES.c.name, NOTES.c.number).where(NOTES.c.name == _ODD)
_OTHERS = sa.select(NOTES.c.name).where(NOTES.c.name != _ODD).limit(1)


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


def test_the_end_of_a_transaction_is_written_whole_or_not_at_all(storage: Storage) -> None:
    database = storage.store().database
    rows = [{"name": name, "number": 0, "content": b"x"} for name in ("a", "b", "c")]
    written, insert = (
        Statement(upserting(database.engine.dialect.name, NOTES), rows[:2]),
        sa.insert(NOTES),
    )
    for failing in ([rows[0]], [rows[2], rows[0]]):
        with pytest.raises(StoreError), database.writing() as connection:
            database.conclude(connection, [written, Statement(insert, failing), written], "note")
        assert storage.execute("SELECT name FROM notes") == []
    with database.writing() as connection:
        database.conclude(connection, [written, Statement(insert, [rows[2]])], "note")
    assert storage.execute("SELECT count(*) FROM notes") == [(3,)]


def test_questions_are_answered_in_their_order(storage: Storage) -> None:
    database = storage.store().database
    with database.writing() as connection:
        upsert(connection, NOTES, [{"name": _ODD, "number": 7, "content": b"x"}])
        queries = [_OTHERS, FORM, _NAMED]
        found = [list(map(tuple, rows)) for rows in database.answers(connection, queries)]
        assert found == [[], [(NEWEST,)], [(_ODD, 7)]]


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
