# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.control_plane import Place, make, messages, running
from tests.support.documents import story

MINE = {"X-Kafka-Gateway-Owner": "stack-test"}
SERVICE, ROUTE = "/services/httpbinservice", "/routes/httpbinroute"


async def _everything(place: Place, query: str = "") -> list[Any]:
    lists = [
        await place.ask("GET", f"/{name}{query}") for name in ("services", "routes", "plugins")
    ]
    ones = [await place.ask("GET", f"{path}{query}") for path in (SERVICE, ROUTE)]
    return [reply.body for reply in lists + ones]


async def test_tags_of_owners_are_seen_by_those_who_ask_for_them(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.publish(story())
        assert "owner:" not in str(await _everything(place))
        assert (await place.ask("GET", "/tags")).body["data"] == []
        assert (await place.ask("GET", SERVICE)).body["tags"] is None
        assert str(await _everything(place, "?owner_tags=true")).count("owner:stack-test") == 5
        place.headers = {"X-Kafka-Gateway-Owner-Tags": "true"}
        assert str(await _everything(place)).count("owner:stack-test") == 5
        assert "owner:stack-test" in str((await place.ask("GET", "/tags")).body)
        place.headers = {}
        named = (await place.ask("GET", "/services?tags=owner:stack-test")).body["data"]
        assert [row["name"] for row in named] == ["httpbinservice"]
        assert len((await place.ask("GET", "/tags/owner:stack-test")).body["data"]) == 3


async def test_another_word_for_it_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await make(place, "/services", name="a", host="a.test")
        for word in ("null", "yes", "2"):
            for path in ("/services", "/tags", "/services/a"):
                reply = await place.ask("GET", f"{path}?owner_tags={word}")
                assert (reply.status, word in reply.body["message"]) == (400, True), path
            place.headers = {"X-Kafka-Gateway-Owner-Tags": word}
            assert (await place.ask("GET", "/services")).status == 400
            place.headers = {}
        for word in ("false", "0", "TRUE"):
            assert (await place.ask("GET", f"/services?owner_tags={word}")).status == 200


async def test_writing_back_what_was_read_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        document = story()
        document["services"]["httpbinservice"]["tags"] = ["zoo", "abc"]
        await place.publish(document)
        for query in ("", "?owner_tags=true"):
            for name in ("services", "routes", "plugins"):
                for row in (await place.ask("GET", f"/{name}{query}")).body["data"]:
                    reply = await place.ask("PUT", f"/{name}/{row['id']}", row)
                    assert reply.status == 200, reply
                    assert "owner:" not in str(reply.body)
        assert len(await messages(place)) == 1
        live = (await place.ask("GET", "/owners/stack-test")).body["document"]
        assert live["services"]["httpbinservice"]["tags"] == ["abc", "zoo"]


async def test_others_entities_are_neither_changed_nor_deleted_by_mistake(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.publish(story())
        plugin = (await place.ask("GET", "/plugins")).body["data"][0]
        for method, path, body in (
            ("DELETE", f"/plugins/{plugin['id']}", None),
            ("DELETE", f"{ROUTE}/plugins/{plugin['id']}", None),
            ("DELETE", ROUTE, None),
            ("PATCH", ROUTE, {"paths": ["/elsewhere"]}),
            ("PUT", SERVICE, {"host": "elsewhere.test"}),
            ("PATCH", SERVICE, {"tags": ["owner:mine"], "retries": 1}),
        ):
            reply = await place.ask(method, path, body)
            assert reply.status == 409, (method, path, reply)
            assert reply.body["owner"] == "stack-test"
            assert reply.body["header"] == "X-Kafka-Gateway-Owner: stack-test"
            assert reply.body["header"] in reply.body["message"]
            other = await place.ask(method, path, body, headers={"X-Kafka-Gateway-Owner": "b"})
            assert other.status == 409
        assert len(await messages(place)) == 1
        place.headers = MINE
        assert (await place.ask("PATCH", ROUTE, {"paths": ["/elsewhere"]})).status == 200
        place.headers = {"X-Kafka-Gateway-Owner": "*"}
        assert (await place.ask("DELETE", ROUTE)).status == 204


async def test_what_nobody_owns_is_free_and_may_refer_to_others(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.publish(story())
        made = await make(place, f"{ROUTE}/plugins", name="cors")
        assert (
            await place.ask("PATCH", f"/plugins/{made['id']}", {"enabled": False})
        ).status == 200
        assert (await place.ask("DELETE", f"/plugins/{made['id']}")).status == 204


async def test_what_goes_along_with_a_deleted_entity_counts_too(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        consumer = await make(place, "/consumers", username="alice")
        document = {"consumers": {"bob": {"keyauth_credentials": {"k": {"key": "one"}}}}}
        await place.publish(document)
        assert (await place.ask("DELETE", "/consumers/bob")).status == 409
        assert (await place.ask("DELETE", f"/consumers/{consumer['id']}")).status == 204


async def test_nobody_becomes_an_owner_by_a_tag(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        tags = ["owner:stack-test", "mine"]
        await make(place, "/services", name="a", host="a.test", tags=tags)
        assert (await place.ask("GET", "/services/a?owner_tags=1")).body["tags"] == ["mine"]
        assert (await place.ask("GET", "/owners")).body["data"] == []


async def test_an_owner_with_any_name_can_be_named(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.publish({"services": {"a": {"host": "a.test"}}}, owner="team ü, b")
        refused = await place.ask("DELETE", "/services/a")
        assert refused.status == 409
        name, _, value = refused.body["header"].partition(": ")
        assert (await place.ask("DELETE", "/services/a", headers={name: value})).status == 204
