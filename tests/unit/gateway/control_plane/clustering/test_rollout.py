# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.control_plane import messages, running
from tests.support.documents import story, with_topic
from tests.support.waiting import PATIENCE

SECRET_MISSING = "vault reference {vault://env/KAFKA_API_SECRET} does not resolve"


async def test_it_returns_when_every_data_plane_has_confirmed_the_hash(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.serving(), place.serving(hostname="b"):
        reply = await place.publish(story())
        assert reply.status == 201
        assert {one["status"] for one in reply.body["data_planes"]} == {"confirmed"}
        assert {one["hostname"] for one in reply.body["data_planes"]} == {"node-a", "b"}
        planes = await place.ask("GET", "/clustering/data-planes")
        hashes = {one["config_hash"] for one in planes.body["data"]}
        assert hashes == {reply.body["hash"]}


async def test_a_data_plane_that_says_nothing_is_a_timeout_and_the_release_stays(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as place, place.peer() as silent, place.serving():
        reply = await place.publish(story(), wait=2)
        assert reply.status == 201
        found = {one["status"]: one["error"] for one in reply.body["data_planes"]}
        assert found == {"confirmed": None, "timeout": "did not confirm within 2 s"}
        assert (await silent.configuration())["config_hash"] == reply.body["hash"]


async def test_with_wait_zero_it_returns_at_once(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.peer():
        async with asyncio.timeout(PATIENCE):
            reply = await place.publish(story(), wait=0)
        assert reply.body["data_planes"][0]["status"] == "timeout"


async def test_an_unchanged_document_is_sent_again_to_a_data_plane_that_refused_it(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as place:
        await place.publish(story())
        async with place.peer() as peer:
            pushed = await peer.configuration()
            await peer.refuse(pushed["config_hash"], SECRET_MISSING)
            await peer.ping()
            planes = await place.ask("GET", "/clustering/data-planes")
            assert planes.body["data"][0]["error"] == SECRET_MISSING
            call = asyncio.create_task(place.publish(story()))
            again = await peer.configuration()
            assert again["config_hash"] == pushed["config_hash"]
            await peer.refuse(pushed["config_hash"], SECRET_MISSING)
            reply = await call
            assert (reply.status, reply.body["unchanged"]) == (409, True)
            assert reply.body["rolled_back_by"] is None, "there is nothing to go back to"
            assert len(await messages(place)) == 1


async def test_a_data_plane_without_a_plugin_refuses_what_needs_it(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.peer(plugins=[], hostname="bare"):
        await place.publish({"services": {"plain": {"host": "example.test"}}}, wait=0)
        reply = await place.publish(story())
        assert reply.status == 409
        assert "kafka-upstream" in reply.body["data_planes"][0]["error"]


async def test_a_data_plane_that_did_not_fit_before_does_not_block(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.publish(story())
        async with place.peer(plugins=[]) as peer:
            assert await peer.ping() == b""
            async with asyncio.timeout(PATIENCE):
                while True:
                    planes = (await place.ask("GET", "/clustering/data-planes")).body["data"]
                    if planes[0]["sync_status"] == "plugin_set_incompatible":
                        break
            reply = await place.publish(with_topic("other"))
            assert reply.status == 201
            assert reply.body["data_planes"][0]["status"] == "incompatible"


async def test_stopping_returns_a_call_that_waits(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.peer() as silent:
        call = asyncio.create_task(place.publish(story(), wait=30))
        await silent.configuration()
        async with asyncio.timeout(25):
            await place.made.stop()
        reply = await call
        assert reply.body["data_planes"][0]["status"] == "timeout"
