# SPDX-License-Identifier: Apache-2.0
"""Which role each call of the Admin API needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.control_plane.admin.rights import needed
from tests.support.control_plane import Place, make, running

TOKEN = "planted-admin-token"


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("GET", "/services", "read"),
        ("OPTIONS", "/services", "read"),
        ("POST", "/services", "write"),
        ("DELETE", "/services/{key}", "write"),
        ("POST", "/schemas/plugins/validate", "read"),
        ("GET", "/releases", "read"),
        ("POST", "/releases", "publish"),
        ("POST", "/releases/{number}/rollback", "publish"),
        ("DELETE", "/owners/{owner:path}", "publish"),
        ("DELETE", "/holds/{name}", "write"),
        ("POST", "/holds/{name}/publish", "publish"),
        ("GET", "/tokens", "admin"),
        ("GET", "/audit/requests", "admin"),
    ],
)
def test_a_call_needs_a_role(method: str, path: str, role: str) -> None:
    assert needed(method, path) == role


async def token(place: Place, name: str, *roles: str) -> dict[str, str]:
    """Make a token; return the header with it."""
    tokens, known = place.made.tokens, place.made.authentication
    made, text = tokens.create(name, roles, [], "test", None)
    known.note(made)
    return {"Kong-Admin-Token": text}


async def test_who_has_not_the_role_is_refused_in_the_words_of_kong(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        reader = await token(place, "reader", "read")
        writer = await token(place, "writer", "write")
        publisher = await token(place, "publisher", "publish")
        for headers, method, path, status in (
            (reader, "GET", "/services", 200),
            (reader, "POST", "/services", 403),
            (reader, "POST", "/default/services", 403),
            (reader, "DELETE", "/services/a", 403),
            (reader, "GET", "/bananas", 404),
            (writer, "POST", "/releases", 403),
            (writer, "DELETE", "/owners/a", 403),
            (writer, "POST", "/releases/1/rollback", 403),
            (writer, "POST", "/releases/1/rollback%0A", 403),
            (publisher, "DELETE", "/owners/a", 404),
        ):
            reply = await place.ask(method, path, headers=headers)
            assert reply.status == status, (method, path)
        place.headers = reader
        reply = await place.ask("POST", "/services", {"name": "a", "host": "a.test"})
        text = "reader, you do not have permissions to create this resource"
        assert reply.body["message"].startswith(text)
        place.headers = writer
        await make(place, "/services", name="a", host="a.test")
        reply = await place.publish({})
        assert reply.status == 403
        assert "role publish" in reply.body["message"]


async def test_releases_say_whose_token_made_them(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = await token(place, "ci", "publish")
        assert (await place.publish({}, who="ann")).body["who"] == "ci (for ann)"
        place.headers = {"Kong-Admin-Token": TOKEN}
        document = {"services": {"a": {"host": "a.test"}}}
        assert (await place.publish(document, who="ann")).body["who"] == "ann"
        await make(place, "/services", name="b", host="b.test")
        newest = (await place.ask("GET", "/releases")).body["data"][0]
        assert newest["who"] == "admin token"
