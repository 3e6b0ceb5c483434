# SPDX-License-Identifier: Apache-2.0
"""What is the same for all of the Admin API, and what it tells about the node."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from gateway import __version__
from gateway.logs import configure_logs
from tests.support.control_plane import running

TOKEN = "planted-admin-token"


async def test_every_response_names_the_server_and_its_latency(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for path in ("/", "/services", "/bananas", "/services?size=0"):
            reply = await place.ask("GET", path)
            assert reply.headers["Server"] == f"kafka-gateway/{__version__}"
            assert reply.headers["X-Kong-Admin-Latency"].isdigit()
            assert reply.headers["Content-Type"].startswith("application/json")


async def test_with_a_token_only_status_is_open(tmp_path: Path) -> None:
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


async def test_the_token_is_read_from_its_file_and_again_on_reload(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")

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


async def test_nothing_secret_is_logged_or_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = io.StringIO()
    configure_logs("debug", logs)
    document = {"consumers": {"alice": {"keyauth_credentials": {"k": {"key": "planted-api-key"}}}}}

    async with running(tmp_path, admin_token=TOKEN) as place:
        await place.ask("GET", "/services", headers={"Kong-Admin-Token": "planted-wrong"})
        place.headers = {"Kong-Admin-Token": TOKEN}
        assert (await place.publish(document)).status == 201
        await place.ask("POST", "/consumers/alice/key-auth", {"key": "planted-api-key"})
        root = await place.ask("GET", "/")
        assert "planted" not in str(root.body)
        assert "PRIVATE KEY" not in str(root.body)
    configure_logs("notice")
    assert "release published" in logs.getvalue()
    assert "planted" not in logs.getvalue() + "".join(capsys.readouterr())
    assert "PRIVATE KEY" not in logs.getvalue()
