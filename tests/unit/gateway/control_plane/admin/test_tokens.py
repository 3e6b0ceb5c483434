# SPDX-License-Identifier: Apache-2.0
"""``/tokens``: who makes, sees and revokes them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.http.wrong_tokens import WrongTokens
from tests.support.control_plane import running
from tests.support.storage import Storage
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("each_storage")

TOKEN = "planted-admin-token"
ADMIN = {"Kong-Admin-Token": TOKEN}


async def test_a_token_is_shown_once_and_works_until_it_is_revoked(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        body = {"name": "ci", "roles": ["write"], "owners": ["team-a"], "expires_in": 3600}
        made = await place.ask("POST", "/tokens", body)
        assert made.status == 201
        assert made.headers["Cache-Control"] == "no-store"
        text = made.body.pop("token")
        assert made.body["expires_at"] == made.body["created_at"] + 3600
        assert made.body["created_by"] == "admin token"
        own = {"Kong-Admin-Token": text}
        assert (await place.ask("GET", "/services", headers=own)).status == 200
        listed = (await place.ask("GET", "/tokens")).body
        assert listed["data"] == [made.body | {"last_used": listed["data"][0]["last_used"]}]
        assert listed["data"][0]["last_used"] is not None
        assert text not in str(listed)
        assert (await place.ask("GET", "/tokens/ci")).body["id"] == made.body["id"]
        identity = place.made.authentication.authenticate(text)
        assert identity is not None
        assert place.made.authentication.is_valid(identity)
        assert (await place.ask("DELETE", "/tokens/ci")).status == 204
        assert not place.made.authentication.is_valid(identity)
        assert (await place.ask("GET", "/services", headers=own)).status == 401
        assert (await place.ask("GET", "/tokens/ci")).body["state"] == "revoked"


async def test_only_admins_see_and_make_tokens(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        made = await place.ask(
            "POST", "/tokens", {"name": "p", "roles": ["publish"]}, headers=ADMIN
        )
        place.headers = {"Kong-Admin-Token": made.body["token"]}
        for method, path in (
            ("GET", "/tokens"),
            ("GET", "/default/tokens"),
            ("GET", "/tokens%0A"),
            ("GET", "/tokens/p"),
            ("POST", "/tokens"),
            ("DELETE", "/tokens/p"),
        ):
            reply = await place.ask(method, path)
            assert reply.status in (403, 404), (method, path)
            assert "data" not in str(reply.body)
        place.headers = {}
        assert (await place.ask("GET", "/tokens")).status == 401
        place.headers = ADMIN
        other = await place.ask("POST", "/tokens", {"name": "root", "roles": ["admin"]})
        place.headers = {"Kong-Admin-Token": other.body["token"]}
        assert (await place.ask("DELETE", "/tokens/p")).status == 204


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "admin token"}, "name"),
        ({"name": "a", "roles": []}, "roles"),
        ({"name": "a", "roles": ["root"]}, "roles"),
        ({"name": "a", "role": "read"}, "role"),
        ({"name": "a", "owners": [""]}, "owners"),
        ({"name": "a", "owners": ["x"], "roles": ["admin"]}, "owners"),
        ({"name": "a", "expires_in": 0}, "expires_in"),
        ({"name": "a", "expires_in": 10**12}, "expires_in"),
        ({"name": "a", "expires_in": "30d"}, "expires_in"),
    ],
)
async def test_what_is_wrong_with_a_token_is_said_by_field(
    tmp_path: Path, body: dict[str, Any], field: str
) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        reply = await place.ask("POST", "/tokens", body, headers=ADMIN)
        assert reply.status == 400, reply
        assert reply.body["code"] == 2
        assert field in reply.body["fields"], reply.body


async def test_a_name_is_taken_while_its_token_is_active(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        assert (await place.ask("POST", "/tokens", {"name": "ci"})).status == 201
        taken = await place.ask("POST", "/tokens", {"name": "ci"})
        assert (taken.status, taken.body["code"]) == (409, 5)
        assert (await place.ask("DELETE", "/tokens/nobody")).status == 404
        assert (await place.ask("GET", "/tokens/nobody")).status == 404


async def test_the_first_token_of_an_open_api_is_an_admins(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        reply = await place.ask("POST", "/tokens", {"name": "ci"})
        assert reply.status == 409
        assert "KONG_ADMIN_TOKEN_FILE" in reply.body["message"]
        made = await place.ask("POST", "/tokens", {"name": "root", "roles": ["admin"]})
        assert made.status == 201
        assert (await place.ask("GET", "/services")).status == 401
        place.headers = {"Kong-Admin-Token": made.body["token"]}
        assert (await place.ask("POST", "/tokens", {"name": "ci"})).status == 201


async def test_lists_of_tokens_have_pages(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        for name in ("a", "b", "c"):
            assert (await place.ask("POST", "/tokens", {"name": name})).status == 201
        first = (await place.ask("GET", "/tokens?size=2")).body
        rest = (await place.ask("GET", first["next"])).body
        assert len(first["data"]) == 2
        assert rest["next"] is None
        found = {one["name"] for one in first["data"] + rest["data"]}
        assert found == {"a", "b", "c"}


async def test_a_token_is_made_and_revoked_at_all_control_planes(
    tmp_path: Path, storage: Storage
) -> None:
    if storage.kind == "sqlite":
        pytest.skip("a file has one control plane")
    async with (
        running(tmp_path / "a", admin_token=TOKEN) as one,
        running(tmp_path / "b", admin_token=TOKEN) as other,
    ):
        made = await one.ask("POST", "/tokens", {"name": "ci"}, headers=ADMIN)
        other.headers = {"Kong-Admin-Token": made.body["token"]}

        async def until(status: int) -> None:
            async with asyncio.timeout(PATIENCE):
                while (await other.ask("GET", "/")).status != status:
                    other.made.authentication.wrong = WrongTokens()
                    await asyncio.sleep(0.05)

        await until(200)
        assert (await one.ask("DELETE", "/tokens/ci", headers=ADMIN)).status == 204
        await until(401)


async def test_what_is_said_twice_of_a_token_is_kept_once(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        body = {"name": "ci", "roles": ["write", "read", "write"], "owners": ["b", "a", "b"]}
        made = (await place.ask("POST", "/tokens", body)).body
        assert (made["roles"], made["owners"]) == (["read", "write"], ["a", "b"])
