# SPDX-License-Identifier: Apache-2.0
"""Releases say who made them, from where, with what, and what all writes of a session did."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from gateway.control_plane.authors import Author
from tests.support.control_plane import Place, make, messages, running
from tests.support.deck import guarded_routes, sync
from tests.support.documents import story

TOKEN = "planted-admin-token"
DECK = {"User-Agent": "decK/1.65.0"}


async def _newest(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = (await place.ask("GET", "/releases?size=1")).body["data"][0]
    return found


@given(st.text(), st.ip_addresses(), st.text(max_size=150))
def test_an_author_is_read_as_it_was_written(name: str, address: Any, agent: str) -> None:
    author = Author(name, str(address), agent.replace(" from ", " ").replace(" from ", " "))
    assert Author.parse(str(author)) == author


def test_nobody_can_pretend_to_come_from_elsewhere() -> None:
    for name, agent in (("x from 1.1.1.1 with y", "z"), ("x", "y from 1.1.1.1 with z")):
        assert Author.parse(str(Author(name, "10.0.0.7", agent))).address == "10.0.0.7"


async def test_a_release_says_whose_token_from_where_and_with_what(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = {"Kong-Admin-Token": TOKEN, **DECK}
        body = {"name": "shop", "host": "a.test"}
        assert (await place.ask("PUT", f"/services/{uuid4()}", body)).status == 200
        newest = await _newest(place)
        said = {name: newest[name] for name in ("who", "from", "with", "message")}
        assert said == {
            "who": "admin token",
            "from": "127.0.0.1",
            "with": "decK/1.65.0",
            "message": "put services shop",
        }
        assert TOKEN not in str(newest)
        shop = (await place.ask("GET", "/services/shop")).body
        await place.ask("DELETE", f"/services/{shop['id']}")
        assert (await _newest(place))["message"] == "delete services shop"


async def test_who_publishes_may_say_so_and_where_it_is_from_is_seen(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        published = await place.publish(story(), who="ann from 9.9.9.9 with a pen")
        assert published.body["who"] == "ann from 9.9.9.9 with a pen"
        assert published.body["from"] == "127.0.0.1"
        await make(place, "/services", name="a", host="a.test")
        assert (await _newest(place))["who"] == "no token"
        back = await place.ask("POST", "/releases/1/rollback", {"who": "bob"})
        assert (back.body["who"], back.body["from"]) == ("bob", "127.0.0.1")


async def test_a_session_of_decks_is_one_release_with_a_summary(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        place.headers = {"X-Kafka-Gateway-Hold": "ci-7", **DECK}
        for name in ("a", "b"):
            await make(place, "/services", name=name, host="a.test")
        await make(place, "/services/a/routes", name="r", paths=["/r"])
        assert (await place.ask("POST", "/holds/ci-7/publish", {})).status == 201
        newest = await _newest(place)
        assert newest["message"] == "deck sync (hold ci-7): 3 created"
        assert (newest["number"], newest["with"]) == (1, "decK/1.65.0")


async def test_writes_held_by_the_setting_are_one_release_of_decks(tmp_path: Path) -> None:
    async with running(tmp_path, hold_writes="10m") as place:
        place.headers = DECK
        await sync(place, guarded_routes(4))
        assert await messages(place) == []
    async with running(tmp_path, hold_writes="10m") as place:
        assert await messages(place) == ["deck sync: 11 created"]
        place.headers = DECK
        await make(place, "/services", name="new", host="a.test")
        assert (await place.ask("PATCH", "/routes/r0", {"paths": ["/x"]})).status == 200
    async with running(tmp_path) as place:
        assert (await messages(place))[0] == "deck sync: 1 created, 1 updated"
