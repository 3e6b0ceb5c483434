# SPDX-License-Identifier: Apache-2.0
"""What is the same for all of the Admin API, and what it tells about the node."""

from __future__ import annotations

import asyncio
import io
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway import __version__
from gateway.control_plane import server
from gateway.control_plane.admin import info
from gateway.control_plane.admin.responses import MAX_BODY
from gateway.logs import configure_logs
from tests.support.control_plane import run, running
from tests.support.documents import story

TOKEN = "planted-admin-token"


def test_every_answer_names_the_server_and_its_latency(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            for path in ("/", "/services", "/bananas", "/services?size=0"):
                reply = await place.ask("GET", path)
                assert reply.headers["Server"] == f"kafka-gateway/{__version__}"
                assert reply.headers["X-Kong-Admin-Latency"].isdigit()
                assert reply.headers["Content-Type"].startswith("application/json")

    run(main)


def test_with_a_token_only_status_is_open(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, admin_token=TOKEN) as place:
            for headers in ({}, {"Kong-Admin-Token": "wrong"}, {"Kong-Admin-Token": ""}):
                for path in ("/", "/services", "/bananas", "/statusx"):
                    reply = await place.ask("GET", path, headers=headers)
                    assert reply.status == 401, (path, headers)
                    assert "Kong-Admin-Token" in reply.body["message"]
                assert (await place.ask("POST", "/releases", {}, headers=headers)).status == 401
            assert (await place.ask("GET", "/status")).status == 200
            assert (await place.ask("GET", "/status", api="status")).status == 200
            place.headers = {"kong-admin-token": TOKEN}
            assert (await place.ask("GET", "/services")).status == 200

    run(main)


def test_the_token_is_read_from_its_file_and_again_on_reload(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")

    async def main() -> None:
        async with running(tmp_path, admin_token_file=str(file)) as place:
            place.headers = {"Kong-Admin-Token": TOKEN}
            assert (await place.ask("GET", "/services")).status == 200
            file.write_text("renewed")
            place.made.reload()
            assert (await place.ask("GET", "/services")).status == 401
            place.headers = {"Kong-Admin-Token": "renewed"}
            assert (await place.ask("GET", "/services")).status == 200
            file.unlink()
            place.made.reload()
            assert (await place.ask("GET", "/services")).status == 200, "the last one stays"

    run(main)


def test_nothing_secret_is_logged_or_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = io.StringIO()
    configure_logs("debug", logs)
    document = {"consumers": {"alice": {"keyauth_credentials": {"k": {"key": "planted-api-key"}}}}}

    async def main() -> None:
        async with running(tmp_path, admin_token=TOKEN) as place:
            await place.ask("GET", "/services", headers={"Kong-Admin-Token": "planted-wrong"})
            place.headers = {"Kong-Admin-Token": TOKEN}
            assert (await place.publish(document)).status == 201
            await place.ask("POST", "/consumers/alice/key-auth", {"key": "planted-api-key"})
            root = await place.ask("GET", "/")
            assert "planted" not in str(root.body)
            assert "PRIVATE KEY" not in str(root.body)

    run(main)
    configure_logs("notice")
    assert "release published" in logs.getvalue()
    assert "planted" not in logs.getvalue() + "".join(capsys.readouterr())
    assert "PRIVATE KEY" not in logs.getvalue()


def test_the_root_tells_version_and_plugins(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            await place.publish(story())
            body = (await place.ask("GET", "/")).body
            assert body["version"] == "3.10.0"
            assert "kong" not in body["tagline"].lower()
            assert body["plugins"]["enabled_in_cluster"] == ["kafka-upstream"]
            available = body["plugins"]["available_on_server"]
            assert available["kafka-upstream"]["priority"] == 751
            assert body["configuration"]["role"] == "control_plane"
            node = body["node_id"]
        async with running(tmp_path) as place:
            assert (await place.ask("GET", "/")).body["node_id"] == node

    run(main)


def test_schemas_are_served_and_checked_against(tmp_path: Path) -> None:
    plugin = {"name": "kafka-upstream", "config": {"topik": "a"}}

    async def main() -> None:
        async with running(tmp_path) as place:
            assert (await place.ask("GET", "/schemas/routes")).body["fields"]
            schema = await place.ask("GET", "/schemas/plugins/kafka-upstream")
            assert any("config" in field for field in schema.body["fields"])
            for path in ("/schemas/bananas", "/schemas/plugins/banana", "/schemas/x/validate"):
                method = "POST" if path.endswith("validate") else "GET"
                reply = await place.ask(method, path)
                assert reply.status == 404
                assert reply.body["message"]
            wrong = await place.ask("POST", "/schemas/plugins/validate", plugin)
            assert wrong.body["fields"]["config"]["topik"] == "unknown field"
            enabled = await place.ask("GET", "/plugins/enabled")
            assert "kafka-upstream" in enabled.body["enabled_plugins"]
            assert "/services" in (await place.ask("GET", "/endpoints")).body["data"]

    run(main)


def test_data_planes_are_shown_in_both_forms(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            running(tmp_path) as place,
            place.peer(node="node-1", labels={"zone": "a"}),
        ):
            row = (await place.ask("GET", "/clustering/data-planes")).body["data"][0]
            assert row["id"] == "node-1"
            assert row["hostname"] == "node-a"
            assert row["ip"] == "127.0.0.1"
            assert row["version"] == "3.10.0"
            assert row["labels"] == {"zone": "a"}
            assert row["connected"] is True
            assert row["sync_status"] == "unknown"
            assert row["config_hash"] == "0" * 32
            assert row["cert_details"]["expiry_timestamp"] > row["last_seen"]
            older = (await place.ask("GET", "/clustering/status")).body
            assert older == {"node-1": row}

    run(main)


def test_publishing_calls_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    bodies = [
        ({"document": {}}, "owner"),
        ({"owner": "", "document": {}}, "owner"),
        ({"owner": 7, "document": {}}, "owner"),
        ({"owner": "a"}, "document"),
        ({"owner": "a", "document": []}, "document"),
        ({"owner": "a", "document": {}, "wait": -1}, "wait"),
        ({"owner": "a", "document": {}, "wait": True}, "wait"),
        ({"owner": "a", "document": {}, "wait": 1e9}, "wait"),
        ({"owner": "a", "document": {}, "wiat": 1}, "wiat"),
        ({"owner": "a", "document": {}, "message": 5}, "message"),
    ]

    async def main() -> None:
        async with running(tmp_path) as place:
            for body, field in bodies:
                reply = await place.ask("POST", "/releases", body)
                assert reply.status == 400, body
                assert field in reply.body["fields"], reply
            for path in ("/releases/x", "/releases/1", "/releases/1/diff", "/owners/a"):
                assert (await place.ask("GET", path)).status == 404, path
            assert (await place.ask("DELETE", "/owners/a?wait=x")).status == 400
            assert (await place.ask("GET", "/releases?offset=x")).status == 400

    run(main)


def test_releases_are_listed_in_pages_and_read_with_their_content(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            for number in range(3):
                await place.ask("PUT", "/services/a", {"host": f"a{number}.test"})
            first = (await place.ask("GET", "/releases?size=2")).body
            assert [row["number"] for row in first["data"]] == [3, 2]
            second = (await place.ask("GET", first["next"])).body
            assert [row["number"] for row in second["data"]] == [1]
            assert second["next"] is None
            assert "offset" not in second
            one = (await place.ask("GET", "/releases/1")).body
            assert one["configuration"]["services"][0]["host"] == "a0.test"

    run(main)


def test_a_bug_is_a_500_that_tells_nothing_and_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("planted detail")

    monkeypatch.setattr(info, "plugin_types", fail)
    logs = io.StringIO()
    configure_logs("notice", logs)

    async def main() -> None:
        async with running(tmp_path) as place:
            reply = await place.ask("GET", "/plugins/enabled")
            assert (reply.status, reply.body) == (500, {"message": "An unexpected error occurred"})
            assert reply.headers["Server"] == f"kafka-gateway/{__version__}"

    run(main)
    configure_logs("notice")
    assert "ZeroDivisionError: planted detail" in logs.getvalue()


def test_a_body_over_the_limit_is_a_413(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            headers = {"Content-Type": "application/json", "Content-Length": str(MAX_BODY + 1)}
            reader, writer = await asyncio.open_connection("127.0.0.1", place.port("admin"))
            lines = [f"{name}: {value}" for name, value in headers.items()]
            request = "\r\n".join(["POST /releases HTTP/1.1", "Host: a", *lines, "", ""])
            writer.write(request.encode())
            assert (await reader.readline()).startswith(b"HTTP/1.1 413")
            writer.close()

    run(main)


def test_a_locked_database_is_a_503_and_the_next_try_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_LOCK_TIMEOUT", 0.1)

    async def main() -> None:
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

    run(main)


def test_a_full_disk_is_a_507_and_the_release_before_stays(tmp_path: Path) -> None:
    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count=12")

    async def main() -> None:
        async with running(tmp_path) as place, place.serving():
            await place.publish(story())
            store = place.made._store
            sa.event.listen(store.engine, "connect", limit)
            store.engine.dispose()
            names = {f"{tmp_path.name}-{n}": {"host": f"h{n}.test"} for n in range(2000)}
            reply = await place.publish({"services": names}, owner="big")
            assert reply.status == 507
            assert "no space left" in reply.body["message"]
            listed = await place.ask("GET", "/releases")
            assert [row["number"] for row in listed.body["data"]] == [1]
            assert len((await place.ask("GET", "/services")).body["data"]) == 1

    run(main)


def test_ready_until_told_to_drain(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            ready = await place.ask("GET", "/status/ready", api="status")
            assert (ready.status, ready.body) == (200, {"message": "ready"})
            status = await place.ask("GET", "/status", api="status")
            assert status.body["database"] == {"reachable": True}
            wrong = {"status": "foo"}
            reply = await place.ask("POST", "/status/ready", wrong, api="status")
            assert reply.status == 400
            drain = {"status": "draining"}
            assert (await place.ask("POST", "/status/ready", drain, api="status")).status == 204
            ready = await place.ask("GET", "/status/ready", api="status")
            assert (ready.status, ready.body) == (503, {"message": "draining"})

    run(main)


def test_a_database_that_is_gone_makes_it_unready(tmp_path: Path) -> None:
    def overwrite() -> None:
        for file in tmp_path.glob("control-plane.sqlite*"):
            file.write_bytes(b"overwritten by something else" * 1000)

    async def main() -> None:
        async with running(tmp_path) as place:
            place.made._store.engine.dispose()
            overwrite()
            ready = await place.ask("GET", "/status/ready", api="status")
            assert ready.status == 503
            assert ready.body == {"message": "failed to connect to database"}

    run(main)
