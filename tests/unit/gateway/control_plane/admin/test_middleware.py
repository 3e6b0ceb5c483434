# SPDX-License-Identifier: Apache-2.0
"""Who is let in: tokens, and without one no page of another origin."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import orjson
import pytest

from tests.support.control_plane import connect, running
from tests.support.documents import story
from tests.support.http import until

TOKEN = "planted-admin-token"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "evil.example:8001"},
    ],
)
async def test_without_a_token_pages_of_other_origins_are_refused(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async with running(tmp_path) as place:
        assert (await place.publish(story())).status == 201
        assert (await place.publish({})).status == 201
        for method, path in (
            ("POST", "/releases/1/rollback"),
            ("GET", "/"),
            ("GET", "/status"),
            ("DELETE", "/services/a"),
            ("GET", "/no-such-path"),
        ):
            reply = await place.ask(method, path, headers=headers)
            assert reply.status == 403, (method, path)
            assert "KAFKA_GATEWAY_ADMIN_HOSTS" in reply.body["message"]
        preflight = {"Access-Control-Request-Method": "POST", **headers}
        reply = await place.ask("OPTIONS", "/releases/1/rollback", headers=preflight)
        assert reply.status == 403
        assert not [name for name in reply.headers if name.lower().startswith("access-control")]
        assert (await place.ask("GET", "/releases")).body["data"][0]["number"] == 2


async def test_a_token_that_is_revoked_while_its_body_comes_is_of_no_use(tmp_path: Path) -> None:
    document = orjson.dumps({"owner": "a", "document": story(), "wait": 0})
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = {"Kong-Admin-Token": TOKEN}
        made = await place.ask("POST", "/tokens", {"name": "ci", "roles": ["publish"]})
        wire = await connect(place, "admin")
        lines = [
            "POST /releases HTTP/1.1",
            "Host: a",
            f"Kong-Admin-Token: {made.body['token']}",
            "Content-Type: application/json",
            f"Content-Length: {len(document)}",
            "Connection: close",
        ]
        await wire.send("\r\n".join([*lines, "", ""]).encode() + document[:-1])
        used = place.made.authentication.last_used
        (token,) = place.made.authentication.tokens
        await until(lambda: used(token) is not None)
        assert (await place.ask("DELETE", "/tokens/ci")).status == 204
        await wire.send(document[-1:])
        assert (await wire.rest()).startswith(b"HTTP/1.1 401")
        await wire.close()
        assert (await place.ask("GET", "/releases")).body["data"] == []


async def test_without_a_token_programs_and_configured_hosts_are_served(tmp_path: Path) -> None:
    async with running(tmp_path, admin_hosts="Admin.Example, 10.0.0.5") as place:
        port = place.port("admin")
        for headers in (
            {},
            {"Host": "localhost"},
            {"Host": f"[::1]:{port}"},
            {"Host": "admin.example:8001"},
            {"Host": "10.0.0.5"},
            {"Origin": f"http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"},
            {"Sec-Fetch-Site": "none"},
        ):
            assert (await place.ask("GET", "/services", headers=headers)).status == 200, headers


async def test_with_a_token_the_token_decides(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        headers = {"Host": "gateway.example", "Origin": "http://manager.example"}
        assert (await place.ask("GET", "/services", headers=headers)).status == 401
        headers["Kong-Admin-Token"] = TOKEN
        assert (await place.ask("GET", "/services", headers=headers)).status == 200


async def test_wrong_tokens_are_logged_without_the_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:

    async with running(tmp_path, admin_token=TOKEN) as place:
        for _ in range(3):
            headers = {"Kong-Admin-Token": "planted-wrong"}
            assert (await place.ask("GET", "/services", headers=headers)).status == 401
    told = [record for record in caplog.records if "wrong admin token" in record.getMessage()]
    assert told
    assert "planted" not in caplog.text


async def test_a_token_comes_in_kongs_header_as_bearer_or_as_basic(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        made, text = place.made.tokens.create("ci", ["read"], [], "test", None)
        place.made.authentication.note(made)
        basic = {name: b64encode(f"{name}:{text}".encode()).decode() for name in ("ci", "", "ann")}
        for headers, status in (
            ({"Kong-Admin-Token": text}, 200),
            ({"Authorization": f"Bearer {text}"}, 200),
            ({"Authorization": f"Basic {basic['ci']}"}, 200),
            ({"Authorization": f"Basic {basic['']}"}, 200),
            ({"Authorization": f"Bearer {TOKEN}"}, 200),
            ({"Authorization": f"Basic {basic['ann']}"}, 401),
            ({"Authorization": f"Bearer {text}x"}, 401),
            ({"Authorization": text}, 401),
            ({"Authorization": f"Bearer {text}", "Kong-Admin-Token": "wrong"}, 401),
        ):
            reply = await place.ask("GET", "/services", headers=headers)
            assert reply.status == status, headers
            if status == 401:
                assert reply.headers["WWW-Authenticate"].startswith("Bearer")
                assert reply.body["message"].startswith("Invalid RBAC credentials.")


async def test_tokens_are_known_after_a_restart_with_their_last_use(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        made, text = place.made.tokens.create("ci", ["read"], [], "test", None)
        place.made.authentication.note(made)
        reply = await place.ask("GET", "/services", headers={"Kong-Admin-Token": text})
        assert reply.status == 200
    async with running(tmp_path) as place:
        assert place.made.authentication.tokens[0].last_used
        assert (await place.ask("GET", "/services")).status == 401
        reply = await place.ask("GET", "/services", headers={"Kong-Admin-Token": text})
        assert reply.status == 200
