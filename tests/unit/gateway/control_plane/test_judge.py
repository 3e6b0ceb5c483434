# SPDX-License-Identifier: Apache-2.0
"""Whose changes a refusal is about: over real sockets, with data planes that refuse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.control_plane import Place, make, messages, node_settings, running
from tests.support.node import running_node
from tests.support.waiting import PATIENCE

MISSING = "{vault://env/NO_SUCH}"
UNNAMED = "configuration reload failed"


def service(name: str) -> dict[str, Any]:
    return {"services": {name: {"host": f"{name}.test"}}}


class Node:
    """What a data plane serves, and refuses when it has a vault reference without a value."""

    def __init__(self, reason: str = f"vault reference {MISSING} does not resolve") -> None:
        self.reason = reason
        self.served: dict[str, Any] = {}

    def __call__(self, table: dict[str, Any]) -> str | None:
        if MISSING.encode() in orjson.dumps(table):
            return self.reason
        self.served = table
        return None

    def names(self, collection: str) -> list[str]:
        return sorted(row["name"] for row in self.served.get(collection, ()))


async def until(place: Place, condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await place.made.data_planes.news()


async def refusals(place: Place) -> list[dict[str, Any]]:
    """Wait until there are refusals; return those that /status shows."""
    async with asyncio.timeout(PATIENCE):
        while True:
            news = asyncio.ensure_future(place.made.data_planes.news())
            await asyncio.sleep(0)
            found: list[dict[str, Any]] = (await place.ask("GET", "/status")).body["refusals"]
            if found:
                news.cancel()
                return found
            await news


def secret() -> dict[str, Any]:
    return {"name": "jwt", "config": {"realm": MISSING}}


@pytest.mark.parametrize("reason", [f"vault reference {MISSING} does not resolve", UNNAMED])
async def test_a_single_write_that_is_refused_blocks_no_publish_of_others(
    tmp_path: Path, reason: str
) -> None:
    node = Node(reason)
    async with running(tmp_path) as place, place.serving(node, hostname="strict"):
        assert (await place.publish(service("first"), owner="one")).status == 201
        consumer = await make(place, "/consumers", username="ann")
        path = f"/consumers/{consumer['id']}/hmac-auth"
        made = await make(place, path, username="ann", secret=MISSING)
        (found,) = await refusals(place)
        assert found["message"] == reason
        assert found["data_plane"]["hostname"] == "strict"
        named = [(one["collection"], one["id"], one["owner"]) for one in found["entities"]]
        assert ("hmacauth_credentials", made["id"], None) in named
        planes = (await place.ask("GET", "/clustering/data-planes")).body["data"]
        assert planes[0]["refusals"] == [found]
        assert reason in planes[0]["error"]
        again = await place.ask("GET", f"/hmac-auths/{made['id']}")
        assert again.body == made, "what was acknowledged stays"
        assert reason in again.headers["Warning"]
        assert "strict" in again.headers["Warning"]
        for owner in ("one", "two", "three"):
            reply = await place.publish(service(owner), owner=owner)
            assert reply.status == 201, reply
            assert reply.body["data_planes"][0]["status"] == "confirmed"
        assert node.names("services") == ["one", "three", "two"]
        assert "hmacauth_credentials" not in node.served


async def test_an_owners_entity_that_is_changed_badly_is_served_as_before_and_its_owner_named(
    tmp_path: Path,
) -> None:
    node = Node()
    async with running(tmp_path) as place, place.serving(node):
        document = {"consumers": {"ann": {"hmacauth_credentials": {"ann": {"secret": "good"}}}}}
        reply = await place.publish(document, owner="team-a")
        assert reply.status == 201, reply
        row = (await place.ask("GET", "/hmac-auths")).body["data"][0]
        path = f"/hmac-auths/{row['id']}"
        place.headers = {"X-Kafka-Gateway-Owner": "team-a"}
        changed = await place.ask("PATCH", path, {"secret": MISSING})
        assert changed.status == 200
        (found,) = await refusals(place)
        assert [one["owner"] for one in found["entities"]] == ["team-a"]
        assert (await place.publish(service("other"), owner="other")).status == 201
        assert node.served["hmacauth_credentials"][0]["secret"] == "good"
        mended = await place.ask("PATCH", path, {"secret": "better"})
        assert mended.status == 200
        assert "NO_SUCH" not in mended.headers.get("Warning", "")
        await until(place, lambda: node.served["hmacauth_credentials"][0]["secret"] == "better")
        assert (await place.ask("GET", "/status")).body["refusals"] == []


async def test_what_hangs_on_a_refused_entity_waits_with_it(tmp_path: Path) -> None:
    node = Node()
    async with running(tmp_path) as place, place.serving(node):
        await place.publish(service("first"))
        consumer = await make(place, "/consumers", username=MISSING)
        await refusals(place)
        await make(place, "/consumers/" + consumer["id"] + "/acls", group="g")
        assert (await place.publish(service("other"), owner="other")).status == 201
        assert "consumers" not in node.served
        assert "acls" not in node.served
        assert (await place.ask("DELETE", f"/consumers/{consumer['id']}")).status == 204
        assert (await place.publish(service("third"), owner="third")).status == 201
        assert (await place.ask("GET", "/status")).body["refusals"] == []


async def test_the_very_first_writes_may_be_refused_too(tmp_path: Path) -> None:
    node = Node()
    async with running(tmp_path) as place, place.serving(node):
        await make(place, "/consumers", username="ann")
        await make(place, "/consumers", username=MISSING)
        await refusals(place)
        reply = await place.publish(service("other"), owner="other")
        assert (reply.status, reply.body["data_planes"][0]["status"]) == (201, "confirmed")
        assert [row["username"] for row in node.served["consumers"]] == ["ann"]


async def test_a_writer_who_waits_is_told_and_the_write_is_taken_back(tmp_path: Path) -> None:
    node = Node()
    async with running(tmp_path) as place, place.serving(node, hostname="strict"):
        await place.publish(service("first"))
        header = {"X-Kafka-Gateway-Wait": "10"}
        good = await place.ask("POST", "/consumers", {"username": "ann"}, headers=header)
        assert good.status == 201
        assert [row["username"] for row in node.served["consumers"]] == ["ann"]
        body = {"username": MISSING}
        bad = await place.ask("POST", "/consumers", body, headers=header)
        assert bad.status == 409
        assert MISSING in bad.body["message"]
        assert "strict" in bad.body["message"]
        left = (await place.ask("GET", "/consumers")).body["data"]
        assert [row["username"] for row in left] == ["ann"]
        assert (await messages(place))[0].startswith("rollback: release 3 was refused by strict")
        for wrong in ("-1", "601", "x", "nan", "inf"):
            header = {"X-Kafka-Gateway-Wait": wrong}
            reply = await place.ask("POST", "/consumers", {"username": "bob"}, headers=header)
            assert reply.status == 400, wrong


async def test_of_two_publishes_at_once_only_the_one_at_fault_is_taken_back(
    tmp_path: Path,
) -> None:
    node = Node()
    async with running(tmp_path) as place, place.serving(node):
        await place.publish(service("first"))
        bad: dict[str, Any] = {"consumers": {MISSING: {}}}
        replies = await asyncio.gather(
            place.publish(service("good"), owner="good"),
            place.publish(bad, owner="bad"),
            place.publish(service("fine"), owner="fine"),
        )
        assert [reply.status for reply in replies] == [201, 409, 201]
        assert node.names("services") == ["fine", "first", "good"]
        owners = (await place.ask("GET", "/owners")).body["data"]
        assert [one["name"] for one in owners] == ["fine", "good", "stack-test"]


async def test_a_data_plane_that_never_served_what_is_there_keeps_nobody_from_publishing(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as place:
        await place.publish({"consumers": {MISSING: {}}}, owner="first")
        async with place.serving(Node(), hostname="poor"):
            (found,) = await refusals(place)
            assert found["served_without"] is False
            reply = await place.publish(service("other"), owner="other")
            assert reply.status == 201
            (verdict,) = reply.body["data_planes"]
            assert verdict["status"] == "incompatible"
            assert 'of owner "first"' in verdict["error"]
            mended = await place.publish({"consumers": {"ann": {}}}, owner="first")
            assert mended.body["data_planes"][0]["status"] == "confirmed"


async def test_a_real_data_plane_serves_what_others_publish_beside_what_it_refuses(
    tmp_path: Path,
) -> None:
    def document(name: str) -> dict[str, Any]:
        plugin = {"request-termination": {"config": {"status_code": 418}}}
        return {"routes": {name: {"paths": [f"/{name}"], "plugins": plugin}}}

    async with running(tmp_path / "control-plane") as place:
        await place.publish(document("first"), owner="first")
        with running_node(tmp_path, **node_settings(place, tmp_path)) as node:
            await asyncio.to_thread(node.ready)
            config = {
                "topic": "t",
                "bootstrap_servers": [{"host": "127.0.0.1", "port": 1}],
                "authentication": {
                    "strategy": "sasl",
                    "mechanism": "PLAIN",
                    "user": "u",
                    "password": MISSING,
                },
            }
            body = {"name": "kafka-upstream", "config": config}
            made = await place.ask("POST", "/routes/first/plugins", body)
            assert made.status == 201, made
            (found,) = await refusals(place)
            assert MISSING in found["message"]
            assert [one["id"] for one in found["entities"]] == [made.body["id"]]
            reply = await place.publish(document("second"), owner="second", wait=60)
            assert reply.status == 201, reply
            assert reply.body["data_planes"][0]["status"] == "confirmed"
            for path in ("/first", "/second"):
                assert (await asyncio.to_thread(node.get, path)).status == 418


async def test_what_is_left_out_stays_so_over_a_restart(tmp_path: Path) -> None:
    node = Node()
    async with running(tmp_path) as place, place.serving(node, node="n"):
        await place.publish(service("first"))
        await make(place, "/consumers", username=MISSING)
        await refusals(place)
        await place.publish(service("first"))
    async with running(tmp_path) as place, place.serving(node, node="n"):
        reply = await place.publish(service("other"), owner="other")
        assert (reply.status, reply.body["data_planes"][0]["status"]) == (201, "confirmed")
        assert node.names("services") == ["first", "other"]
        (found,) = await refusals(place)
        assert found["entities"][0]["entity"] == f'consumers["{MISSING}"]'


async def test_a_route_whose_plugin_is_refused_is_left_out_with_it(tmp_path: Path) -> None:
    node = Node()
    hold = {"X-Kafka-Gateway-Hold": "sync"}
    async with running(tmp_path) as place, place.serving(node):
        await place.publish(service("first"))
        await place.ask("PUT", "/routes/r", {"paths": ["/r"]}, headers=hold)
        plugin = {"name": "key-auth", "config": {"realm": MISSING}}
        made = await place.ask("POST", "/routes/r/plugins", plugin, headers=hold)
        assert made.status == 201, made
        reply = await place.ask("POST", "/holds/sync/publish", {"wait": 0})
        assert reply.status == 201
        await refusals(place)
        assert (await place.publish(service("other"), owner="other")).status == 201
        assert "routes" not in node.served, "it would be open"
        path = f"/plugins/{made.body['id']}"
        assert (await place.ask("PATCH", path, {"config": {"realm": "fine"}})).status == 200
        await until(place, lambda: "routes" in node.served and "plugins" in node.served)


async def test_what_a_data_plane_refused_is_tried_again_when_it_is_back(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        async with place.serving(Node(), node="n"):
            await place.publish(service("first"))
            await make(place, "/consumers", username=MISSING)
            await refusals(place)
        served: list[dict[str, Any]] = []
        async with place.serving(lambda table: served.append(table), node="n"):
            await until(place, lambda: served and "consumers" in served[-1])
            async with asyncio.timeout(PATIENCE):
                while (await place.ask("GET", "/status")).body["refusals"]:
                    pass
