# SPDX-License-Identifier: Apache-2.0
"""Several control planes with one PostgreSQL, each with data planes of its own."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import repeat
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.control_plane import NAME, Place, messages, names, running
from tests.support.control_plane_process import process, until_ready, values_with_ports
from tests.support.documents import story, with_topic
from tests.support.fleet import LightDataPlane, Network, light_data_planes, network
from tests.support.postgres import Postgres, running_postgres
from tests.support.storage import Storage
from tests.support.waiting import PATIENCE

SECRET_MISSING = "vault reference {vault://env/KAFKA_API_SECRET} does not resolve"
SLOWLY = {"db_update_frequency": "3600"}
"""They hear of each other by announcements alone."""


@pytest.fixture
def settings(postgres: Postgres, tmp_path: Path) -> Iterator[dict[str, str]]:
    with Storage.on(postgres, tmp_path) as storage:
        yield {**storage.settings(), **SLOWLY}


@asynccontextmanager
async def two(folder: Path, settings: dict[str, str]) -> AsyncIterator[tuple[Place, Place]]:
    async with running(folder / "a", **settings) as a, running(folder / "b", **settings) as b:
        yield a, b


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(PATIENCE):
        for pause in repeat(0.02):
            if await condition():
                return
            await asyncio.sleep(pause)


async def serves(place: Place, wanted: str) -> None:
    """Wait until all data planes that a control plane knows serve the configuration of a hash."""
    async with asyncio.timeout(PATIENCE):
        while {one.config_hash for one in place.made.data_planes} != {wanted}:
            await place.made.data_planes.news()


async def test_what_one_publishes_both_push(tmp_path: Path, settings: dict[str, str]) -> None:
    async with two(tmp_path, settings) as (a, b), a.serving(), b.serving():
        for place, topic in ((a, "one"), (b, "two"), (a, "three")):
            digest = (await place.publish(with_topic(topic))).body["hash"]
            await serves(a, digest)
            await serves(b, digest)
        for place in (a, b):
            numbers = [row["number"] for row in (await place.ask("GET", "/releases")).body["data"]]
            assert numbers == [3, 2, 1]


async def test_single_writes_at_both_are_one_after_the_other(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    async with two(tmp_path, settings) as (a, b):
        made = await asyncio.gather(
            *(
                place.ask("PUT", f"/services/s{number}{name}", {"host": "a.test"})
                for number in range(10)
                for name, place in (("a", a), ("b", b))
            )
        )
        assert {reply.status for reply in made} == {200}
        wanted = sorted(f"s{number}{name}" for number in range(10) for name in "ab")

        async def all_there() -> bool:
            found = [sorted(await names(place, "/services")) for place in (a, b)]
            return found == [wanted, wanted]

        await until(all_there)
        assert len(await messages(a)) == 20


async def test_a_write_is_checked_against_what_the_other_has_written(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    async with two(tmp_path, settings) as (a, b):
        service = await a.ask("POST", "/services", {"name": "s", "host": "a.test"})
        assert service.status == 201
        route = {"service": {"id": service.body["id"]}, "paths": ["/a"], "name": "r"}
        assert (await b.ask("POST", "/routes", route)).status == 201
        taken = await a.ask("POST", "/services", {"name": "s", "host": "b.test"})
        assert taken.status == 409
        assert (await a.ask("DELETE", "/services/s")).status == 400, "the route refers to it"


async def test_what_a_data_plane_of_one_refuses_is_left_out_at_both(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    def strict(table: dict[str, Any]) -> str | None:
        services = [row["name"] for row in table.get("services", ())]
        return SECRET_MISSING if "bad" in services else None

    async with (
        two(tmp_path, settings) as (a, b),
        a.serving(hostname="lenient"),
        b.serving(strict, hostname="strict"),
    ):
        await a.publish(story())
        assert (await a.ask("PUT", "/services/bad", {"host": "a.test"})).status == 200

        async def refusals() -> list[Any]:
            found: list[Any] = (await a.ask("GET", "/status")).body["refusals"]
            return found

        await until(refusals)
        (refusal,) = await refusals()
        assert refusal["data_plane"]["hostname"] == "strict"
        read = await a.ask("GET", "/services/bad")
        assert "strict refused" in read.headers["Warning"]
        good = await a.ask("PUT", "/services/good", {"host": "a.test"})
        assert (good.status, "Warning" in good.headers) == (200, False)
        assert (await a.ask("DELETE", "/services/bad")).status == 204

        async def none() -> bool:
            return await refusals() == []

        await until(none)


async def shown(place: Place, hostname: str) -> bool:
    planes = (await place.ask("GET", "/clustering/data-planes")).body["data"]
    return [one["connected"] for one in planes if one["hostname"] == hostname] == [True]


async def test_a_publish_waits_for_the_data_planes_of_all_control_planes(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    async with (
        two(tmp_path, settings) as (a, b),
        a.serving(hostname="of-a"),
        b.peer(hostname="of-b") as slow,
    ):
        await until(lambda: shown(a, "of-b"))
        waiting = asyncio.create_task(a.publish(with_topic("one"), wait=20))
        pushed = await slow.configuration()
        assert not waiting.done()
        await slow.ping(pushed["config_hash"])
        reply = await waiting
        found = {one["hostname"]: one["status"] for one in reply.body["data_planes"]}
        assert found == {"of-a": "confirmed", "of-b": "confirmed"}


async def test_a_release_that_a_data_plane_of_another_refuses_is_taken_back(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    def strict(table: dict[str, Any]) -> str | None:
        topics = [row["config"].get("topic") for row in table.get("plugins", ())]
        return SECRET_MISSING if "bad" in topics else None

    async with (
        two(tmp_path, settings) as (a, b),
        a.serving(hostname="of-a"),
        b.serving(strict, hostname="of-b"),
    ):
        await until(lambda: shown(a, "of-b"))
        good = await a.publish(with_topic("good"), wait=20)
        assert len(good.body["data_planes"]) == 2
        refused = await a.publish(with_topic("bad"), wait=20)
        assert refused.status == 409
        assert "of-b" in refused.body["message"]
        assert SECRET_MISSING in refused.body["message"]
        await serves(a, good.body["hash"])
        await serves(b, good.body["hash"])
        for place in (a, b):
            assert (await messages(place))[0].startswith("rollback: release 2 was refused by of-b")


async def test_a_token_that_is_revoked_at_one_is_of_no_use_at_the_other(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    values = {**settings, "admin_token": "planted-token"}
    async with two(tmp_path, values) as (a, b):
        a.headers = {"Kong-Admin-Token": "planted-token"}
        made = await a.ask("POST", "/tokens", {"name": "ci", "roles": ["write"]})
        assert made.status == 201, made
        b.headers = {"Kong-Admin-Token": made.body["token"]}

        async def answer(status: int) -> bool:
            return (await b.ask("GET", "/services")).status == status

        await until(lambda: answer(200))
        assert (await a.ask("DELETE", "/tokens/ci")).status == 204
        await until(lambda: answer(401))


async def test_a_restarted_database_is_taken_up_by_itself(tmp_path: Path) -> None:
    with running_postgres() as server:
        settings = {**server.settings("postgres", tmp_path), "db_update_frequency": "0.2"}
        async with two(tmp_path, settings) as (a, b), a.serving(), b.serving():
            first = (await a.publish(with_topic("one"))).body["hash"]
            await serves(b, first)
            await asyncio.to_thread(server.stop)
            for place in (a, b):
                assert await names(place, "/services") == ["httpbinservice"], "from memory"
                refused = await place.publish(with_topic("two"))
                assert refused.status == 503
                assert refused.body["message"].startswith("failed to connect to database")
                assert refused.headers["Retry-After"] == "1"
                status = await place.ask("GET", "/status")
                assert (status.status, status.body["database"]) == (200, {"reachable": False})
                ready = await place.ask("GET", "/status/ready", api="status")
                assert (ready.status, ready.body["message"]) == (
                    503,
                    "failed to connect to database",
                )
            await asyncio.to_thread(server.start)
            async with asyncio.timeout(PATIENCE):
                while (reply := await b.publish(with_topic("two"))).status != 201:
                    assert reply.status == 503
                    await asyncio.sleep(0.1)
            await serves(a, reply.body["hash"])
            await serves(b, reply.body["hash"])


async def test_data_planes_of_one_that_is_gone_are_served_by_the_other(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    async with running(tmp_path / "a", **settings) as a:
        async with running(tmp_path / "b", **settings) as b, b.serving(node="moving"):
            await serves(b, (await a.publish(with_topic("one"))).body["hash"])
        published = await a.publish(with_topic("two"))
        async with a.serving(node="moving"):
            await serves(a, published.body["hash"])


class Fleet:
    """Two control planes, one of them a process, behind a load balancer, and ten data planes."""

    def __init__(self, here: Place, there: str, planes: list[LightDataPlane]) -> None:
        self.here = here
        self.there = there
        self.planes = planes
        self._count = 0

    async def publish(self, at: str = "here") -> str:
        """Publish until it is taken; return the hash."""
        self._count += 1
        body = {"owner": "a", "document": with_topic(f"topic-{self._count}"), "wait": 0}
        url = self.there if at == "there" else f"http://127.0.0.1:{self.here.port('admin')}"
        async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
            for pause in repeat(0.1):
                with suppress(aiohttp.ClientError):
                    async with session.post(f"{url}/releases", json=body) as reply:
                        if reply.status == 201:
                            return str((await reply.json())["hash"])
                        assert reply.status == 503, await reply.text()
                await asyncio.sleep(pause)
        raise AssertionError("unreachable")

    async def converges(self, digest: str) -> None:
        """Wait until all data planes serve this configuration."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(plane.serves(digest) for plane in self.planes))


async def test_a_fleet_converges_whatever_happens_to_its_parts(tmp_path: Path) -> None:
    with running_postgres() as server:
        async with network(server.port) as to_database:
            settings = {
                **server.settings("postgres", tmp_path),
                "pg_port": str(to_database.port),
                "pg_timeout": "1000",
                "db_update_frequency": "0.5",
            }
            other, (admin, cluster, status) = values_with_ports(tmp_path / "other")
            with process({**other, **settings}) as there:
                await until_ready(status)
                async with running(tmp_path / "here", **settings) as here:
                    url = f"http://127.0.0.1:{admin}"
                    await survive(here, cluster, url, there, server, to_database)


async def survive(
    here: Place,
    cluster: int,
    url: str,
    there: subprocess.Popen[bytes],
    server: Postgres,
    to_database: Network,
) -> None:
    async with (
        network(here.port("cluster"), cluster) as to_control_planes,
        light_data_planes(10, to_control_planes.port, here.tls(), NAME) as planes,
    ):
        fleet = Fleet(here, url, planes)
        await fleet.converges(await fleet.publish())
        await fleet.converges(await fleet.publish("there"))
        assert 0 < len(here.made.data_planes.connected()) < 10, "both have some"
        # The network between data planes and control planes is cut for a while.
        to_control_planes.cut()
        newest = await fleet.publish("there")
        assert {plane.hash for plane in planes} != {newest}
        to_control_planes.mend()
        await fleet.converges(newest)
        # The database is restarted.
        await asyncio.to_thread(server.restart)
        await fleet.converges(await fleet.publish())
        # The network to the database is cut: neither refused nor answered.
        to_database.cut()
        refused = await here.publish(with_topic("lost"), wait=0)
        assert refused.status == 503
        to_database.mend()
        await fleet.converges(await fleet.publish("there"))
        # One control plane is killed: its data planes go to the other.
        there.kill()
        await fleet.converges(await fleet.publish())
        assert len(here.made.data_planes.connected()) == 10
