# SPDX-License-Identifier: Apache-2.0
"""Publishing through the Admin API to data planes on real sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support.control_plane import AS_OWNER, messages, running
from tests.support.documents import plugin_of, story, with_topic
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.usefixtures("each_storage")

SECRET_MISSING = "vault reference {vault://env/KAFKA_API_SECRET} does not resolve"


def topic_of(table: dict[str, Any]) -> str:
    return str(table["plugins"][0]["config"]["topic"])


def no_bad_topic(table: dict[str, Any]) -> str | None:
    return SECRET_MISSING if topic_of(table) == "bad" else None


async def test_a_first_release_without_data_planes_is_number_one(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        reply = await place.publish(story(), message="first", who="someone")
        assert reply.status == 201
        assert reply.body["number"] == 1
        assert reply.body["unchanged"] is False
        assert reply.body["data_planes"] == []
        assert len(reply.body["hash"]) == 32
        listed = await place.ask("GET", "/releases")
        assert listed.body["data"][0]["message"] == "first"
        assert listed.body["data"][0]["who"] == "someone"
        route = await place.ask("GET", "/routes/httpbinroute")
        assert route.body["paths"] == ["/httpbin"]


async def test_a_refused_release_is_taken_back_on_every_data_plane(tmp_path: Path) -> None:
    seen: list[str] = []

    def follow(table: dict[str, Any]) -> None:
        seen.append(topic_of(table))

    async with (
        running(tmp_path) as place,
        place.serving(no_bad_topic, hostname="strict"),
        place.serving(follow),
    ):
        good = await place.publish(with_topic("good"))
        reply = await place.publish(with_topic("bad"))
        assert reply.status == 409
        assert SECRET_MISSING in reply.body["message"]
        assert "strict" in reply.body["message"]
        found = {one["hostname"]: one for one in reply.body["data_planes"]}
        assert found["strict"]["status"] == "refused"
        assert found["strict"]["error"] == SECRET_MISSING
        assert found["node-a"]["status"] == "confirmed"
        assert reply.body["rolled_back_by"] == 3
        assert seen == ["good", "bad", "good"], "back before the call returned"
        listed = (await messages(place))[:2]
        assert listed[0].startswith("rollback: release 2 was refused by strict")
        planes = await place.ask("GET", "/clustering/data-planes")
        hashes = {one["config_hash"] for one in planes.body["data"]}
        assert hashes == {good.body["hash"]}
        assert {one["error"] for one in planes.body["data"]} == {None}
        live = await place.ask("GET", "/owners/stack-test")
        assert plugin_of(live.body["document"])["config"]["topic"] == "good"
        assert live.body["release"] == 3


async def test_after_a_refusal_the_same_document_is_tried_again(tmp_path: Path) -> None:
    answers = [SECRET_MISSING, None]

    def judge(table: dict[str, Any]) -> str | None:
        return answers.pop(0) if topic_of(table) == "bad" else None

    async with running(tmp_path) as place, place.serving(judge):
        await place.publish(with_topic("good"))
        assert (await place.publish(with_topic("bad"))).status == 409
        reply = await place.publish(with_topic("bad"))
        assert reply.status == 201
        assert reply.body["data_planes"][0]["status"] == "confirmed"


async def test_a_refused_first_release_leaves_no_configuration(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        async with place.serving(no_bad_topic):
            assert (await place.publish(with_topic("bad"))).status == 409
        assert (await place.ask("GET", "/services")).body["data"] == []
        assert (await place.ask("GET", "/owners/stack-test")).status == 404
        async with place.peer() as later:
            assert await later.ping() == b"", "nothing was pushed before the pong"
        async with place.serving(no_bad_topic):
            reply = await place.publish(with_topic("good"))
            assert (reply.status, reply.body["number"]) == (201, 3)


async def test_the_same_document_makes_no_new_release(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.serving():
        first = await place.publish(story())
        again = await place.publish(story())
        assert again.status == 201
        assert again.body["unchanged"] is True
        assert again.body["number"] == first.body["number"] == 1
        assert again.body["hash"] == first.body["hash"]
        assert again.body["data_planes"][0]["status"] == "confirmed"


async def test_two_publishers_at_once_both_get_in(tmp_path: Path) -> None:
    def document(number: int) -> dict[str, Any]:
        return {"services": {f"service-{number}": {"host": "example.test"}}}

    async with running(tmp_path) as place, place.serving():
        replies = await asyncio.gather(
            *[place.publish(document(n), owner=f"owner-{n}") for n in range(8)]
        )
        assert {reply.status for reply in replies} == {201}
        assert sorted(reply.body["number"] for reply in replies) == list(range(1, 9))
        assert len((await place.ask("GET", "/services")).body["data"]) == 8


async def test_deleting_takes_along_what_was_put_on_the_owners_entities_by_hand(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as place:
        await place.publish(story())
        plugin = {"name": "confluent", "config": plugin_of(story())["config"]}
        made = await place.ask("POST", "/routes/httpbinroute/plugins", plugin)
        assert made.status in (201, 400), made
        assert (await place.ask("DELETE", "/owners/stack-test")).status == 204
        assert (await place.ask("GET", "/plugins")).body["data"] == []


async def test_drift_by_hand_is_seen_and_put_right(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.serving():
        first = await place.publish(story())
        place.headers = AS_OWNER
        changed = await place.ask("PATCH", "/routes/httpbinroute", {"paths": ["/elsewhere"]})
        assert changed.status == 200
        live = await place.ask("GET", "/owners/stack-test")
        routes = live.body["document"]["services"]["httpbinservice"]["routes"]
        assert routes["httpbinroute"]["paths"] == ["/elsewhere"]
        reply = await place.publish(story())
        assert (reply.status, reply.body["number"]) == (201, 3)
        route = await place.ask("GET", "/routes/httpbinroute")
        assert route.body["paths"] == ["/httpbin"]
        assert first.body["number"] == 1


async def test_an_entity_that_is_replaced_by_hand_stays_its_owners(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.publish(story())
        body = {"host": "elsewhere.test"}
        place.headers = AS_OWNER
        assert (await place.ask("PUT", "/services/httpbinservice", body)).status == 200
        assert (await place.publish(story())).status == 201
        service = await place.ask("GET", "/services/httpbinservice")
        assert service.body["host"] == "httpbin.org"


async def test_going_back_to_an_earlier_release_makes_a_new_one(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.serving():
        first = await place.publish(with_topic("one"))
        await place.publish(with_topic("two"))
        reply = await place.ask("POST", "/releases/1/rollback", {"who": "me", "wait": 5})
        assert (reply.status, reply.body["number"]) == (201, 3)
        assert reply.body["hash"] == first.body["hash"]
        assert reply.body["message"] == "rollback: to release 1"
        assert reply.body["data_planes"][0]["status"] == "confirmed"
        assert (await place.ask("POST", "/releases/9/rollback")).status == 404


async def test_going_back_is_refused_like_any_release(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.publish(with_topic("bad"))
        await place.publish(with_topic("good"))
        async with place.serving(no_bad_topic):
            reply = await place.ask("POST", "/releases/1/rollback")
            assert reply.status == 409
            live = await place.ask("GET", "/owners/stack-test")
            assert plugin_of(live.body["document"])["config"]["topic"] == "good"


async def test_releases_and_data_planes_are_there_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.serving(node="node-1"):
        published = await place.publish(story())
    async with running(tmp_path) as place:
        planes = (await place.ask("GET", "/clustering/data-planes")).body["data"]
        assert [one["id"] for one in planes] == ["node-1"]
        assert planes[0]["config_hash"] == published.body["hash"]
        assert planes[0]["connected"] is False
        async with place.peer(node="node-1") as peer:
            pushed = await peer.configuration()
            assert pushed["config_hash"] == published.body["hash"]
        again = await place.publish(story())
        assert again.body["unchanged"] is True


async def test_a_single_write_is_a_release_and_is_pushed(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.peer() as peer:
        reply = await place.ask("POST", "/services", {"name": "a", "host": "a.test"})
        assert reply.status == 201
        pushed = await peer.configuration()
        assert pushed["config_table"]["services"][0]["id"] == reply.body["id"]
        listed = await place.ask("GET", "/releases")
        assert listed.body["data"][0]["hash"] == pushed["config_hash"]
        assert listed.body["data"][0]["message"] == "create services"


async def test_a_disabled_service_is_not_sent_but_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.serving():
        await place.publish(story())
        place.headers = AS_OWNER
        await place.ask("PATCH", "/services/httpbinservice", {"enabled": False})
        found = await place.ask("PATCH", "/services/httpbinservice", {"retries": 7})
        assert found.body["retries"] == 7, "a change that data planes do not see is kept"
        assert len(await messages(place)) == 3


async def test_while_a_publish_waits_for_a_data_plane_others_write_and_are_served(
    tmp_path: Path,
) -> None:
    names: list[list[str]] = []

    def follow(table: dict[str, Any]) -> None:
        names.append(sorted(row["name"] for row in table["services"]))

    async with (
        running(tmp_path) as place,
        place.peer() as silent,
        place.serving(follow, hostname="healthy"),
    ):
        waiting = asyncio.create_task(place.publish(story(), wait=600))
        await silent.configuration()
        async with asyncio.timeout(PATIENCE):
            body = {"host": "a.test"}
            assert (await place.ask("PUT", "/services/a", body)).status == 200
            other = {"services": {"b": {"host": "b.test"}}}
            reply = await place.publish(other, owner="other", wait=0)
            assert reply.status == 201
            while ["a", "b", "httpbinservice"] not in names:
                await place.made.data_planes.news()
        assert not waiting.done()
        digest = (await place.ask("GET", "/status")).body["configuration_hash"]
        await silent.ping(digest)
        done = await waiting
        found = {one["hostname"]: one["status"] for one in done.body["data_planes"]}
        assert found == {"healthy": "confirmed", "node-a": "confirmed"}


async def test_a_release_is_taken_back_without_what_others_wrote_meanwhile(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as place, place.peer() as slow:
        waiting = asyncio.create_task(place.publish(with_topic("bad"), wait=600))
        bad = await slow.configuration()
        assert (await place.ask("PUT", "/services/a", {"host": "a.test"})).status == 200
        await slow.refuse(bad["config_hash"], SECRET_MISSING)
        assert (await waiting).status == 409
        left = (await place.ask("GET", "/services")).body["data"]
        assert [row["name"] for row in left] == ["a"]
