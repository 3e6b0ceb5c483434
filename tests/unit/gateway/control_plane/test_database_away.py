# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL goes away in the middle of a publish: what was begun is finished when it is back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.control_plane import messages, running
from tests.support.documents import with_topic
from tests.support.postgres import running_postgres

SECRET_MISSING = "vault reference {vault://env/KAFKA_API_SECRET} does not resolve"


async def test_a_publish_outlives_a_restart_of_the_database(tmp_path: Path) -> None:
    with running_postgres() as server:
        settings = server.settings("postgres", tmp_path)
        async with running(tmp_path, **settings) as place, place.peer() as plane:
            publishing = asyncio.create_task(place.publish(with_topic("one"), wait=50))
            pushed = await plane.configuration()
            await asyncio.to_thread(server.restart)
            await plane.ping(pushed["config_hash"])
            reply = await publishing
            assert reply.status == 201
            assert [one["status"] for one in reply.body["data_planes"]] == ["confirmed"]


async def test_what_is_refused_while_the_database_is_away_is_taken_back_when_it_is_there(
    tmp_path: Path,
) -> None:
    with running_postgres() as server:
        settings = {**server.settings("postgres", tmp_path), "db_update_frequency": "0.2"}
        async with running(tmp_path, **settings) as place, place.peer() as plane:
            publishing = asyncio.create_task(place.publish(with_topic("good"), wait=50))
            good = (await plane.configuration())["config_hash"]
            await plane.ping(good)
            assert (await publishing).status == 201
            publishing = asyncio.create_task(place.publish(with_topic("bad"), wait=50))
            bad = (await plane.configuration())["config_hash"]
            await asyncio.to_thread(server.stop)
            await plane.refuse(bad, SECRET_MISSING)
            told = await publishing
            assert (told.status, told.headers["Retry-After"]) == (503, "1")
            await asyncio.to_thread(server.start)
            assert (await plane.configuration())["config_hash"] == good
            newest, *_ = await messages(place)
            assert newest.startswith("rollback: release 2 was refused by node-a")
