# SPDX-License-Identifier: Apache-2.0
"""Entries reach database and file, also when these fail for a while."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.control_plane.access import audit_log
from gateway.control_plane.access.audit_file import AuditFile
from gateway.control_plane.access.audit_log import AuditLog
from gateway.control_plane.access.audit_store import AuditStore
from gateway.control_plane.database.sqlite import SqliteDatabase
from gateway.control_plane.store import Store
from gateway.errors import AuditError, StoreError
from tests.support.waiting import PATIENCE, eventually


def entry(n: int) -> dict[str, Any]:
    """Return an entry that is never too old."""
    return {"n": n, "request_timestamp": 4_000_000_000}


class Place:
    """An audit log on a real database and file; the database can be made to fail."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "audit.log"
        self.failure = ""
        store = Store(SqliteDatabase(folder / "db.sqlite"))
        store.open()
        self.log = AuditLog(AuditStore(store, 60), self._call, AuditFile(self.path))

    async def _call(self, function: Callable[[], None]) -> None:
        if self.failure:
            raise StoreError(self.failure)
        await asyncio.to_thread(function)

    @property
    def in_file(self) -> list[int]:
        return [json.loads(line)["n"] for line in self.path.read_text().splitlines()]

    @property
    def in_database(self) -> list[int]:
        return [one["n"] for _, one in self.log.store.page(100).entries][::-1]


async def test_what_is_noted_is_written_by_itself_and_when_it_stops(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.log.start()
    place.log.note(entry(1))
    await asyncio.to_thread(eventually, lambda: not place.log.waiting)
    place.log.note(entry(2))
    await place.log.stop()
    assert place.in_file == place.in_database == [1, 2]


async def test_a_database_that_fails_gets_each_entry_once_when_it_is_back(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.failure = "no space left"
    for n in (1, 2):
        place.log.note(entry(n))
        await place.log.flush()
    assert place.log.problem == "no space left"
    assert place.in_file == [1, 2]
    assert place.log.waiting == 2
    place.failure = ""
    place.log.note(entry(3))
    await place.log.stop()
    assert place.log.problem == ""
    assert place.in_file == place.in_database == [1, 2, 3]


async def test_when_too_much_waits_no_write_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "MOST_WAITING", 2)
    place = Place(tmp_path)
    place.failure = "no space left"
    place.log.note(entry(1))
    place.log.check()
    place.log.note(entry(2))
    await place.log.flush()
    with pytest.raises(AuditError, match="no space left; 2 entries wait, so no write is made"):
        place.log.check()
    place.failure = ""
    await place.log.flush()
    place.log.check()
    await place.log.stop()


async def test_a_file_that_cannot_be_written_is_said_at_the_start(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.path.mkdir()
    with pytest.raises(AuditError, match="cannot write the audit log"):
        place.log.start()


async def test_what_is_being_written_when_it_stops_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path)
    begun, go_on = threading.Event(), threading.Event()
    writes: list[int] = []
    write = place.log.store.write

    def slowly(entries: Sequence[dict[str, Any]]) -> None:
        writes.append(len(entries))
        begun.set()
        assert go_on.wait(PATIENCE)
        write(entries)

    monkeypatch.setattr(place.log.store, "write", slowly)
    place.log.start()
    place.log.note(entry(1))
    await asyncio.to_thread(begun.wait, 30)
    stopping = asyncio.ensure_future(place.log.stop())
    await asyncio.sleep(0)
    go_on.set()
    await stopping
    assert writes == place.in_database == place.in_file == [1]
