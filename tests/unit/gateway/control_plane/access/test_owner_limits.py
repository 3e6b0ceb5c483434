# SPDX-License-Identifier: Apache-2.0
"""Callers that are limited to some owners, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.control_plane import Place, make, names, running

TOKEN = "planted-admin-token"
ADMIN = {"Kong-Admin-Token": TOKEN}


def document(name: str) -> dict[str, Any]:
    """Return a service with a route of the same name."""
    return {"services": {name: {"host": "a.test", "routes": {name: {"paths": [f"/{name}"]}}}}}


async def token(place: Place, name: str, role: str, *owners: str) -> dict[str, str]:
    """Make a token; return the header with it."""
    body = {"name": name, "roles": [role], "owners": list(owners)}
    reply = await place.ask("POST", "/tokens", body, headers=ADMIN)
    assert reply.status == 201, reply
    return {"Kong-Admin-Token": reply.body["token"]}


@asynccontextmanager
async def two_owners(prefix: Path) -> AsyncIterator[Place]:
    """Run a control plane where team-a, team-b and nobody have a service and a route each."""
    async with running(prefix, admin_token=TOKEN) as place:
        place.headers = ADMIN
        for owner in ("team-a", "team-b"):
            assert (await place.publish(document(owner), owner)).status == 201
        await make(place, "/services", name="free", host="a.test")
        yield place


async def test_it_publishes_for_its_owners_and_nobody_else(tmp_path: Path) -> None:
    async with two_owners(tmp_path) as place:
        place.headers = await token(place, "a", "publish", "team-a")
        assert (await place.publish(document("more"), "team-a")).status == 201
        for reply in (
            await place.publish({}, "team-b"),
            await place.publish(document("new"), "team-c"),
            await place.ask("DELETE", "/owners/team-b"),
            await place.ask("POST", "/releases/1/rollback", {"wait": 0}),
        ):
            assert reply.status == 403, reply
            assert reply.body["message"].startswith("a, you do not have permissions to ")
        assert set(await names(place, "/services")) == {"more", "team-b", "free"}
        assert (await place.ask("DELETE", "/owners/team-a?wait=0")).status == 204


async def test_a_rollback_that_changes_only_its_own_is_made(tmp_path: Path) -> None:
    async with two_owners(tmp_path) as place:
        newest = (await place.ask("GET", "/releases?size=1")).body["data"][0]["number"]
        place.headers = await token(place, "a", "publish", "team-a")
        assert (await place.publish(document("more"), "team-a")).status == 201
        reply = await place.ask("POST", f"/releases/{newest}/rollback", {"wait": 0})
        assert reply.status == 201


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/services/team-b", {"host": "b.test"}),
        ("PUT", "/services/team-b", {"host": "b.test"}),
        ("DELETE", "/routes/team-b", None),
        ("PATCH", "/services/free", {"host": "b.test"}),
        ("DELETE", "/services/free", None),
        ("POST", "/routes/team-b/plugins", {"name": "key-auth"}),
        ("POST", "/plugins", {"name": "key-auth"}),
        ("POST", "/services/team-b/routes", {"paths": ["/b"]}),
        ("PATCH", "/routes/team-a", {"service": {"name": "free"}}),
        ("POST", "/upstreams", {"name": "a.test"}),
        ("PUT", "/upstreams/a.test", {}),
    ],
)
async def test_a_single_write_is_to_its_own_entities(
    tmp_path: Path, method: str, path: str, body: Any
) -> None:
    async with two_owners(tmp_path) as place:
        place.headers = await token(place, "a", "write", "team-a")
        before = (await place.ask("GET", "/releases?size=1")).body["data"][0]["number"]
        for headers in ({}, {"X-Kafka-Gateway-Owner": "*"}, {"X-Kafka-Gateway-Hold": "h"}):
            reply = await place.ask(method, path, body, headers=headers)
            assert reply.status == 403, reply
            text = reply.body["message"]
            assert text.startswith("a, you do not have permissions to "), text
        after = (await place.ask("GET", "/releases?size=1")).body["data"][0]["number"]
        assert after == before


async def test_what_it_makes_belongs_to_its_one_owner(tmp_path: Path) -> None:
    async with two_owners(tmp_path) as place:
        place.headers = await token(place, "a", "write", "team-a")
        made = await make(place, "/services", name="mine", host="a.test", tags=["t"])
        assert made["tags"] == ["t"]
        shown = await place.ask("GET", "/services/mine?owner_tags=true")
        assert "owner:team-a" in shown.body["tags"]
        assert (await place.ask("PATCH", "/services/mine", {"port": 81})).status == 200
        await make(place, "/services/mine/plugins", name="key-auth")
        assert (await place.ask("DELETE", "/services/mine")).status in (204, 400)
        # Its own entities need no header.
        assert (await place.ask("PATCH", "/services/team-a", {"port": 81})).status == 200


async def test_of_several_owners_none_is_chosen_for_what_it_makes(tmp_path: Path) -> None:
    async with two_owners(tmp_path) as place:
        place.headers = await token(place, "ab", "write", "team-a", "team-b")
        for owner in ("team-a", "team-b"):
            assert (await place.ask("PATCH", f"/services/{owner}", {"port": 81})).status == 200
        reply = await place.ask("POST", "/services", {"name": "new", "host": "a.test"})
        assert reply.status == 403
        assert "belongs to no owner" in reply.body["message"]


async def test_a_hold_with_what_others_have_is_neither_published_nor_dropped(
    tmp_path: Path,
) -> None:
    async with two_owners(tmp_path) as place:
        held = {"X-Kafka-Gateway-Hold": "h"}
        reply = await place.ask("PATCH", "/services/free", {"port": 81}, headers=held)
        assert reply.status == 200
        place.headers = await token(place, "a", "publish", "team-a")
        assert (await place.ask("POST", "/holds/h/publish", {"wait": 0})).status == 403
        assert (await place.ask("DELETE", "/holds/h")).status == 403
        place.headers = ADMIN
        assert (await place.ask("POST", "/holds/h/publish", {"wait": 0})).status == 201


async def test_reading_is_not_limited(tmp_path: Path) -> None:
    async with two_owners(tmp_path) as place:
        place.headers = await token(place, "a", "write", "team-a")
        assert set(await names(place, "/services")) == {"team-a", "team-b", "free"}


async def test_an_upstream_takes_the_place_of_its_own_services_hosts_alone(tmp_path: Path) -> None:
    async with two_owners(tmp_path) as place:
        place.headers = await token(place, "a", "write", "team-a")
        await make(place, "/upstreams", name="mine.test")
        await make(place, "/services", name="mine", host="other.test")
        await make(place, "/upstreams", name="other.test")
        renamed = await place.ask("PATCH", "/upstreams/mine.test", {"name": "a.test"})
        assert renamed.status == 403
        assert "it would get the requests of services" in renamed.body["message"]
