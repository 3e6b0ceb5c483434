# SPDX-License-Identifier: Apache-2.0
"""Partials over real HTTP: written, linked, expanded for data planes, and who may do what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.control_plane import AS_OWNER, Place, Reply, running

pytestmark = pytest.mark.usefixtures("each_storage")

SOME_ID = "7da3a01f-d5fa-4aea-ab01-e9f31e41b376"
SHARED = {"name": "shared", "type": "redis-ce", "config": {"host": "redis.test"}}
LIMIT: dict[str, Any] = {"name": "rate-limiting", "config": {"minute": 5, "policy": "redis"}}


async def made(place: Place, path: str, body: dict[str, Any]) -> dict[str, Any]:
    reply = await place.ask("POST", path, body)
    assert reply.status == 201, reply
    found: dict[str, Any] = reply.body
    return found


def refused(reply: Reply, code: int, *names: str) -> None:
    assert (reply.status, reply.body["code"]) == (400, code), reply
    for name in names:
        assert name in str(reply.body["fields"]) + reply.body["message"], reply


async def test_a_partial_has_the_defaults_of_its_kind(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        simple = await made(place, "/partials", SHARED)
        assert simple["config"]["port"] == 6379
        whole = await made(place, "/partials", {"type": "redis-ee", "config": {"timeout": 70}})
        assert whole["name"] is None
        assert whole["config"]["connect_timeout"] == 70
        # decK compares with what the schema announces, which knows present names only.
        assert "timeout" not in whole["config"]
        reply = await place.ask("PATCH", "/partials/shared", {"config": {"port": 7000}})
        assert reply.body["config"] | {"port": 7000, "host": "redis.test"} == reply.body["config"]
        listed = (await place.ask("GET", "/partials?size=1000")).body["data"]
        assert {one["id"] for one in listed} == {simple["id"], whole["id"]}


WRONG_PARTIALS: list[tuple[dict[str, Any], str]] = [
    ({"name": "a"}, "type"),
    ({"name": "a", "type": "redis"}, "type"),
    ({"name": "a b", "type": "redis-ce"}, "name"),
    ({"type": "redis-ce", "config": {"hots": "x"}}, "hots"),
    ({"type": "redis-ce", "config": {"port": 70000}}, "port"),
    ({"type": "redis-ce", "config": {"cluster_nodes": [{"ip": "a"}]}}, "cluster_nodes"),
    ({"type": "redis-ee", "config": {"sentinel_nodes": [{"host": "a"}]}}, "sentinel_master"),
    ({"type": "redis-ee", "config": "x"}, "config"),
]


async def test_what_is_wrong_with_a_partial_is_said(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for body, field in WRONG_PARTIALS:
            for path in ("/partials", "/schemas/partials/validate"):
                refused(await place.ask("POST", path, body), 2, field)


async def test_a_plugin_is_linked_by_id_or_name_and_shown_without_what_the_partial_says(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as place:
        shared = await made(place, "/partials", SHARED)
        whole = {"id": shared["id"], "name": "shared", "path": "config.redis"}
        for names in (("id",), ("name",), ("id", "name"), ("id", "name", "path")):
            link = {name: whole[name] for name in names}
            reply = await place.ask(
                "PUT",
                "/plugins/7da3a01f-d5fa-4aea-ab01-e9f31e41b376",
                {**LIMIT, "partials": [link]},
            )
            assert (reply.status, reply.body["partials"]) == (200, [whole]), names
        plugin = reply.body
        # A response to a write has all that the plugin will do.
        assert plugin["config"]["redis"]["host"] == plugin["config"]["redis_host"] == "redis.test"
        read = (await place.ask("GET", f"/plugins/{plugin['id']}")).body
        assert read["partials"] == [whole]
        assert "redis" not in read["config"] and "redis_host" not in read["config"]
        expanded = (await place.ask("GET", f"/plugins/{plugin['id']}?expand_partials=true")).body
        assert expanded["config"] == plugin["config"]
        links = (await place.ask("GET", "/partials/shared/links")).body
        assert [one["id"] for one in links["data"]] == [plugin["id"]]
        listed = (await place.ask("GET", "/plugins")).body["data"]
        assert listed == [read]


async def test_links_are_taken_back_and_others_put_in_their_place(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await made(place, "/partials", SHARED)
        own = {"minute": 5, "policy": "redis", "redis": {"host": "own.test"}}
        plugin = await made(place, "/plugins", {**LIMIT, "config": own})
        path = f"/plugins/{plugin['id']}"
        linked = await place.ask("PATCH", path, {"partials": [{"name": "shared"}]})
        assert linked.body["config"]["redis"]["host"] == "redis.test"
        again = await place.ask("PATCH", path, {"config": {"minute": 6}})
        assert (again.body["config"]["minute"], again.body["partials"][0]["name"]) == (6, "shared")
        # Nothing says where Redis is then.
        refused(await place.ask("PATCH", path, {"partials": []}), 2, "host")
        free = await place.ask("PUT", path, {**LIMIT, "config": own})
        assert "partials" not in free.body
        assert free.body["config"]["redis"]["host"] == "own.test"
        assert (await place.ask("GET", "/partials/shared/links")).body["data"] == []


LINK = [{"name": "shared"}]
WRONG_LINKS: list[tuple[dict[str, Any], int, str]] = [
    ({"partials": [{"name": "other"}]}, 4, "partials"),
    ({"partials": [{"id": SOME_ID}]}, 4, "partials"),
    ({"partials": [{"path": "config.redis"}]}, 2, "partials"),
    ({"partials": ["shared"]}, 2, "partials"),
    ({"partials": {"name": "shared"}}, 2, "partials"),
    ({"partials": [{"name": "shared", "path": "config.other"}]}, 2, "config.redis"),
    ({"partials": LINK * 2}, 2, "partials"),
    ({"partials": [{"name": "shared", "pth": "x"}]}, 2, "pth"),
    ({"partials": [{"name": "whole"}]}, 2, "redis-ee"),
    ({"name": "key-auth", "config": {}, "partials": LINK}, 2, "partials"),
    ({"name": "no-such", "config": {}, "partials": LINK}, 2, "name"),
    ({"config": {"minute": 1, "redis": {"host": "x"}}, "partials": LINK}, 2, "redis"),
    ({"config": {"minute": 1, "redis_host": "x"}, "partials": LINK}, 2, "redis_host"),
    ({"config": {"minute": 1, "redis": 7}, "partials": LINK}, 2, "redis"),
    ({"config": {"minut": 1}, "partials": LINK}, 2, "minut"),
    ({"config": [], "partials": LINK}, 2, "config"),
]


async def test_a_wrong_link_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await made(place, "/partials", SHARED)
        await made(place, "/partials", {"name": "whole", "type": "redis-ee"})
        for more, code, field in WRONG_LINKS:
            refused(await place.ask("POST", "/plugins", {**LIMIT, **more}), code, field)


async def test_settings_that_say_nothing_may_stand_beside_a_link(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await made(place, "/partials", SHARED)
        config = {**LIMIT["config"], "redis": {"port": 6379, "host": None}, "redis_port": 6379}
        body = {**LIMIT, "config": config, "partials": [{"name": "shared"}]}
        plugin = await made(place, "/plugins", body)
        assert plugin["config"]["redis"]["host"] == "redis.test"


async def test_a_partial_in_use_stays_and_stays_right(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await made(place, "/partials", SHARED)
        plugin = await made(place, "/plugins", {**LIMIT, "partials": [{"name": "shared"}]})
        refused(await place.ask("DELETE", "/partials/shared"), 4, "plugins")
        for body in ({"config": {"host": None}}, {"type": "redis-ee", "config": {}}):
            reply = await place.ask("PATCH", "/partials/shared", body)
            refused(reply, 2, "rate-limiting")
        refused(await place.ask("PUT", "/partials/shared", {"type": "redis-ce"}), 2, "host")
        assert (await place.ask("DELETE", f"/plugins/{plugin['id']}")).status == 204
        assert (await place.ask("DELETE", "/partials/shared")).status == 204
        assert (await place.ask("GET", "/partials/shared")).status == 404


async def test_data_planes_get_plugins_with_what_their_partials_say(tmp_path: Path) -> None:
    """They know no partials: a change of one changes all its plugins in the same release."""
    async with running(tmp_path) as place:
        await made(place, "/partials", SHARED)
        service = await made(place, "/services", {"name": "s", "host": "a.test"})
        for more in ({}, {"service": {"id": service["id"]}}):
            await made(place, "/plugins", {**LIMIT, **more, "partials": [{"name": "shared"}]})
        before = (await place.ask("GET", "/releases?size=1")).body["data"][0]["number"]
        await place.ask("PATCH", "/partials/shared", {"config": {"host": "new.test"}})
        after = (await place.ask("GET", "/releases?size=1")).body["data"][0]["number"]
        assert after == before + 1
        async with place.peer() as peer:
            table = (await peer.configuration())["config_table"]
        assert "partials" not in table
        assert [one["config"]["redis"]["host"] for one in table["plugins"]] == ["new.test"] * 2
        assert all("partials" not in one for one in table["plugins"])
        changes = (await place.ask("GET", f"/releases/{before}/diff")).body["changes"]
        assert list(changes) == ['partials["shared"].config.host']


def document(host: str = "redis.test") -> dict[str, Any]:
    return {
        "partials": {"shared": {"type": "redis-ce", "config": {"host": host}}},
        "plugins": {"rate-limiting": {**LIMIT, "partials": [{"name": "shared"}]}},
    }


async def test_a_published_document_is_the_live_one_again(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        reply = await place.publish(document(), wait=0)
        assert reply.status == 201, reply
        live = (await place.ask("GET", "/owners/stack-test")).body["document"]
        assert live["plugins"]["rate-limiting"]["partials"] == [
            {"name": "shared", "path": "config.redis"}
        ]
        again = await place.publish(live, wait=0)
        assert again.body["unchanged"], again
        gone = {"plugins": document()["plugins"]}
        missing = await place.publish(gone, wait=0)
        assert missing.status == 400
        assert "partials" in str(missing.body)


async def test_others_may_be_linked_to_an_owners_partial_but_not_change_it(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token="all") as place:
        place.headers = {"Kong-Admin-Token": "all"}
        assert (await place.publish({"partials": document()["partials"]}, wait=0)).status == 201
        shared = (await place.ask("GET", "/partials/shared")).body
        token = {"name": "b", "roles": ["publish"], "owners": ["team-b"]}
        other = {"Kong-Admin-Token": (await made(place, "/tokens", token))["token"]}
        link = {"rate-limiting": {**LIMIT, "partials": [{"id": shared["id"]}]}}
        routes = {"routes": {"r": {"paths": ["/r"], "plugins": link}}}
        body = {"owner": "team-b", "document": routes, "wait": 0}
        reply = await place.ask("POST", "/releases", body, headers=other)
        assert reply.status == 201, reply
        change = {"config": {"host": "other.test"}}
        for headers in (other, {**other, **AS_OWNER}):
            reply = await place.ask("PATCH", "/partials/shared", change, headers=headers)
            assert reply.status in (403, 409), reply
        reply = await place.ask("PATCH", "/partials/shared", change, headers=AS_OWNER)
        assert reply.status == 200, reply
        # Whose it is cannot take it away from those that use it.
        gone = await place.ask("DELETE", "/owners/stack-test?wait=0")
        assert gone.status == 400
        assert "rate-limiting" in str(gone.body)


async def test_a_refused_partial_is_left_out_and_nobody_else_waits_for_it(tmp_path: Path) -> None:
    """The reason names a reference that stands in the partial, not in the plugin."""
    reference = "{vault://env/NO_SUCH}"

    def judge(table: dict[str, Any]) -> str | None:
        return f"vault reference {reference} does not resolve" if reference in str(table) else None

    async with running(tmp_path) as place, place.serving(judge):
        config = {"host": "redis.test", "password": reference}
        await made(place, "/partials", {**SHARED, "config": config})
        await made(place, "/services", {"name": "s", "host": "a.test"})
        plugin = {**LIMIT, "partials": [{"name": "shared"}]}
        await made(place, "/services/s/plugins", plugin)
        published = await place.publish({"routes": {"r": {"paths": ["/r"]}}})
        assert published.status == 201, published
        assert [one["status"] for one in published.body["data_planes"]] == ["confirmed"]
        refusals = (await place.ask("GET", "/status")).body["refusals"]
        named = {one["collection"] for refusal in refusals for one in refusal["entities"]}
        assert "plugins" in named, refusals
