# SPDX-License-Identifier: Apache-2.0

# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import io
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway import __version__
from gateway.control_plane.admin import info
from gateway.control_plane.admin.responses import MAX_BODY
from gateway.control_plane.database import choice
from gateway.logs import configure_logs
from tests.support.control_plane import running
from tests.support.documents import story


async def test_a_bug_is_a_500_that_tells_nothing_and_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("planted detail")

    monkeypatch.setattr(info, "plugin_types", fail)
    logs = io.StringIO()
    configure_logs("notice", logs)

    async with running(tmp_path) as place:
        reply = await place.ask("GET", "/plugins/enabled")
        assert (reply.status, reply.body) == (500, {"message": "An unexpected error occurred"})
        assert reply.headers["Server"] == f"kafka-gateway/{__version__}"
    configure_logs("notice")
    assert "ZeroDivisionError: planted detail" in logs.getvalue()


async def test_a_body_over_the_limit_is_a_413(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        headers = {"Content-Type": "application/json", "Content-Length": str(MAX_BODY + 1)}
        reader, writer = await asyncio.open_connection("127.0.0.1", place.port("admin"))
        lines = [f"{name}: {value}" for name, value in headers.items()]
        request = "\r\n".join(["POST /releases HTTP/1.1", "Host: a", *lines, "", ""])
        writer.write(request.encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
        writer.close()


async def test_a_locked_database_is_a_503_and_the_next_try_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "_LOCK_TIMEOUT", 0.1)

    async with running(tmp_path) as place:
        other = sqlite3.connect(tmp_path / "control-plane.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        reply = await place.publish(story())
        assert reply.status == 503
        assert "locked" in reply.body["message"]
        assert reply.headers["Retry-After"] == "1"
        assert (await place.ask("GET", "/services")).body["data"] == []
        other.execute("ROLLBACK")
        other.close()
        assert (await place.publish(story())).status == 201


async def test_a_full_disk_is_a_507_and_the_release_before_stays(tmp_path: Path) -> None:
    def limit(connection: sqlite3.Connection, _record: object, _fairy: object) -> None:
        connection.execute("PRAGMA max_page_count=16")

    async with running(tmp_path) as place, place.serving():
        await place.publish(story())
        sa.event.listen(place.made.store.database.engine, "checkout", limit)
        names = {f"{tmp_path.name}-{n}": {"host": f"h{n}.test"} for n in range(2000)}
        reply = await place.publish({"services": names}, owner="big")
        assert reply.status == 507
        assert "no space left" in reply.body["message"]
        listed = await place.ask("GET", "/releases")
        assert [row["number"] for row in listed.body["data"]] == [1]
        assert len((await place.ask("GET", "/services")).body["data"]) == 1


async def test_bodies_that_are_no_json_objects_are_refused(tmp_path: Path) -> None:
    def typed(media: str) -> dict[str, str]:
        return {"Content-Type": media}

    cases = [
        (b"[1]", typed("application/json"), 400),
        (b"{", typed("application/json; charset=utf-8"), 400),
        (b"a=b", typed("application/x-www-form-urlencoded"), 415),
        (b'{"name":"a","host":"a.test"}', typed("text/plain"), 415),
        (b'{"name":"a","host":"a.test"}', typed(""), 415),
    ]

    async with running(tmp_path) as place:
        for data, headers, status in cases:
            reply = await place.ask("POST", "/services", data=data, headers=headers)
            assert reply.status == status, (data, headers)
            assert reply.body["message"]


async def test_methods_that_are_not_there_are_405_and_options_lists_those_that_are(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as place:
        reply = await place.ask("DELETE", "/services")
        assert (reply.status, reply.body) == (405, {"message": "Method not allowed"})
        options = await place.ask("OPTIONS", "/services")
        assert options.status == 204
        assert {"GET", "POST"} <= set(options.headers["Allow"].split(", "))
        unknown = await place.ask("GET", "/bananas")
        assert (unknown.status, unknown.body) == (404, {"message": "Not found"})
