# SPDX-License-Identifier: Apache-2.0
"""Every write is in the audit log: who, from where, what, with which result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.control_plane.access import audit_log
from tests.support.control_plane import Place, make, running

pytestmark = pytest.mark.usefixtures("each_storage")

TOKEN = "planted-admin-token"
ADMIN = {"Kong-Admin-Token": TOKEN}


async def entries(place: Place, query: str = "") -> list[dict[str, Any]]:
    """Return the audit log, the newest entry first."""
    reply = await place.ask("GET", f"/audit/requests{query}", headers=ADMIN)
    assert reply.status == 200, reply
    found: list[dict[str, Any]] = reply.body["data"]
    return found


async def test_every_write_is_noted_with_its_result_and_release(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN | {"User-Agent": "decK/1.65.0"}
        reply = await place.ask("POST", "/services", {"name": "a", "host": "a.test"})
        assert reply.status == 201
        [entry] = await entries(place)
        assert entry["request_id"] == reply.headers["X-Kong-Admin-Request-ID"]
        assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/services", 201)
        assert (entry["client_ip"], entry["user_agent"]) == ("127.0.0.1", "decK/1.65.0")
        assert (entry["rbac_user_name"], entry["release"]) == ("admin token", 1)
        assert json.loads(entry["payload"]) == {"name": "a", "host": "a.test"}
        assert 0 < entry["ttl"] <= 2592000
        for method, path, body in (
            ("POST", "/services", {"name": "a"}),
            ("POST", "/releases", {"owner": "t", "document": {}, "wait": 0}),
            ("PATCH", "/services/a", {"port": 81}),
            ("DELETE", "/services/none", None),
            ("PUT", "/bananas", {}),
            ("POST", "/schemas/services/validate", {"name": "a", "host": "a.test"}),
        ):
            await place.ask(method, path, body)
        noted = [(one["method"], one["status"], one["release"]) for one in await entries(place)]
        assert noted[-2::-1] == [
            ("POST", 400, None),
            ("POST", 201, None),
            ("PATCH", 200, 2),
            ("DELETE", 204, None),
            ("PUT", 404, None),
            ("POST", 200, None),
        ]


async def test_reads_and_callers_that_are_not_let_in_are_not_noted(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        await place.ask("GET", "/services", headers=ADMIN)
        await place.ask("OPTIONS", "/services", headers=ADMIN)
        await place.ask("POST", "/services", {}, headers={"Kong-Admin-Token": "wrong"})
        assert await entries(place) == []


async def test_a_refused_caller_is_noted_by_name(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        made = await place.ask("POST", "/tokens", {"name": "reader"}, headers=ADMIN)
        token = made.body["token"]
        own = {"Kong-Admin-Token": token}
        assert (await place.ask("DELETE", "/services/a", headers=own)).status == 403
        assert (await place.ask("GET", "/audit/requests", headers=own)).status == 403
        refused, created = await entries(place)
        assert (refused["rbac_user_name"], refused["status"]) == ("reader", 403)
        assert refused["rbac_user_id"] == made.body["id"]
        assert (created["path"], created["status"]) == ("/tokens", 201)
        assert token not in str((refused, created))


async def test_no_secret_reaches_the_log_or_the_releases(tmp_path: Path) -> None:
    file = tmp_path / "audit.log"
    async with running(tmp_path, admin_token=TOKEN, audit_log_file=str(file)) as place:
        place.headers = ADMIN
        await make(place, "/consumers", username="ann")
        await make(place, "/consumers/ann/key-auth", key="planted-api-key")
        for path in ("/key-auths/planted-api-key", "/consumers/ann/key-auth/planted-api-key"):
            reply = await place.ask("PATCH", path, {"tags": ["t"]})
            assert reply.status == 200
        assert (await place.ask("DELETE", "/default/key-auths/planted-api-key")).status == 204
        body = {"key": "planted-api-key", "consumer": {"username": "ann"}}
        assert (await place.ask("PUT", "/key-auths/planted-api-key", body)).status == 200
        for path in (
            "/key-auths/planted-api-key/",
            "/key-auths/planted/key",
            "//key-auths/planted",
        ):
            await place.ask("PATCH", path, {"tags": []})
        shown = json.dumps(await entries(place), ensure_ascii=False)
        releases = json.dumps((await place.ask("GET", "/releases")).body)
    for text in (shown, releases, file.read_text()):
        assert "planted" not in text
    assert "/consumers/ann/key-auth/…" in shown
    assert "/default/key-auths/…" in shown


async def test_the_log_has_pages(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        for name in ("a", "b", "c"):
            await make(place, "/services", name=name, host="a.test")
        first = (await place.ask("GET", "/audit/requests?size=2")).body
        assert first["total"] == 3
        rest = (await place.ask("GET", first["next"])).body
        assert [one["release"] for one in first["data"] + rest["data"]] == [3, 2, 1]
        assert rest["next"] is None
        assert (await place.ask("GET", "/audit/requests?offset=x")).body["code"] == 7


async def test_it_is_there_after_a_restart_and_can_be_off(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        await make(place, "/services", name="a", host="a.test")
    async with running(tmp_path, admin_token=TOKEN) as place:
        assert len(await entries(place)) == 1
    async with running(tmp_path, admin_token=TOKEN, audit_log="off") as place:
        place.headers = ADMIN
        await make(place, "/services", name="b", host="a.test")
        assert (await place.ask("GET", "/audit/requests")).status == 404


async def test_a_log_that_cannot_be_written_is_no_secret_and_no_standstill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_log, "MOST_WAITING", 3)
    file = tmp_path / "audit.log"
    async with running(tmp_path, admin_token=TOKEN, audit_log_file=str(file)) as place:
        place.headers = ADMIN
        file.unlink()
        file.mkdir()
        await make(place, "/services", name="a", host="a.test")
        await entries(place)
        reply = await place.ask("POST", "/services", {"name": "b", "host": "a.test"})
        assert reply.status == 201
        assert "not audited yet: cannot write the audit log" in reply.headers["Warning"]
        status = (await place.ask("GET", "/status")).body
        assert status["audit_log"].startswith("cannot write the audit log")
        await make(place, "/services", name="c", host="a.test")
        reply = await place.ask("DELETE", "/services/c")
        assert reply.status == 503
        assert "3 entries wait, so no write is made" in reply.body["message"]
        assert (await place.ask("GET", "/services/c")).status == 200
        file.rmdir()
        await entries(place)
        assert (await place.ask("DELETE", "/services/c")).status == 204
        assert (await place.ask("GET", "/status")).body["audit_log"] == "written"
    paths = [json.loads(line)["path"] for line in file.read_text().splitlines()]
    assert paths == ["/services", "/services", "/services", "/services/c"]
