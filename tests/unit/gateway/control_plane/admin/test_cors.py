# SPDX-License-Identifier: Apache-2.0
"""The pages that may call the Admin API from a browser: those of the admin GUI alone."""

from __future__ import annotations

from pathlib import Path

from tests.support.control_plane import Reply, running

TOKEN = "planted-admin-token"
GUI = "https://manager.example:8445"
SETTING = "https://Manager.example:8445/path/to/any, http://other.example"


def _allowed(reply: Reply) -> dict[str, str]:
    prefix = "access-control-allow-"
    return {
        name.lower().removeprefix(prefix): value
        for name, value in reply.headers.items()
        if name.lower().startswith(prefix)
    }


async def test_a_preflight_of_the_gui_is_answered_without_the_token(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN, admin_gui_url=SETTING) as place:
        asked = {"Origin": GUI, "Access-Control-Request-Headers": "kong-admin-token,content-type"}
        for path, methods in (
            ("/", "GET, HEAD, OPTIONS"),
            ("/routes", "GET, HEAD, OPTIONS, POST"),
            ("/default/routes/x", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ):
            reply = await place.ask("OPTIONS", path, headers=asked)
            assert (reply.status, reply.body) == (204, b"")
            assert reply.headers["Allow"] == methods
            assert _allowed(reply) == {
                "origin": GUI,
                "credentials": "true",
                "methods": methods,
                "headers": "kong-admin-token,content-type",
            }
            assert reply.headers["Vary"] == "Origin"
        plain = await place.ask("OPTIONS", "/", headers={"Origin": "http://other.example"})
        assert _allowed(plain)["headers"] == "Content-Type"
        assert _allowed(plain)["origin"] == "http://other.example"


async def test_answers_may_be_read_by_the_gui_and_nobody_else(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN, admin_gui_url=SETTING) as place:
        for headers, status in (
            ({"Kong-Admin-Token": TOKEN}, 200),
            ({"Kong-Admin-Token": TOKEN, "Origin": GUI}, 200),
            ({"Kong-Admin-Token": TOKEN, "Origin": "http://evil.example"}, 200),
            ({"Origin": GUI}, 401),
        ):
            reply = await place.ask("GET", "/services", headers=headers)
            assert reply.status == status
            assert _allowed(reply) == {"origin": GUI, "credentials": "true"}, headers
        evil = await place.ask("OPTIONS", "/services", headers={"Origin": "http://evil.example"})
        assert evil.status == 401
        post = await place.ask("POST", "/services", {"host": "a.test"}, headers={"Origin": GUI})
        assert post.status == 401


async def test_without_a_token_the_guis_pages_are_let_in_under_our_own_host(tmp_path: Path) -> None:
    async with running(tmp_path, admin_gui_url=SETTING) as place:
        page = {"Origin": GUI, "Sec-Fetch-Site": "cross-site"}
        assert (await place.ask("GET", "/services", headers=page)).status == 200
        rebound = {**page, "Host": "evil.example"}
        assert (await place.ask("GET", "/services", headers=rebound)).status == 403
        evil = {"Origin": "http://evil.example"}
        assert (await place.ask("GET", "/services", headers=evil)).status == 403


async def test_without_the_setting_there_are_no_such_headers(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        headers = {"Origin": GUI, "Kong-Admin-Token": TOKEN}
        assert _allowed(await place.ask("GET", "/services", headers=headers)) == {}
        assert (await place.ask("OPTIONS", "/services", headers={"Origin": GUI})).status == 401
