# SPDX-License-Identifier: Apache-2.0
"""``rate-limiting`` with its counters in Redis: exact over nodes, and what if Redis is gone."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.http.clock import Clock
from gateway.http.heads import HeadWriter
from gateway.http.messages import Request, Response
from gateway.kafka.pool import ProducerPool
from gateway.plugins.base import PluginContext
from gateway.plugins.rate_limiting import handler as module
from gateway.plugins.rate_limiting.handler import RateLimiting
from gateway.plugins.rate_limiting.schema import Config
from gateway.redis.clients import RedisClients
from tests.support.producing import until
from tests.support.requests import StandInConnection, request_of
from tests.support.valkey import Valkey, running_valkey

NOON = 4_000_000_000.0 - 4_000_000_000.0 % 86400 + 43200
ROUTE = "aaaaaaaa-0000-4000-8000-000000000001"
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with running_valkey(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(running: Valkey, monkeypatch: pytest.MonkeyPatch) -> Valkey:
    running.ask("FLUSHALL")
    monkeypatch.setattr(module, "time", lambda: NOON)
    return running


@asynccontextmanager
async def node(server: Valkey, **config: Any) -> AsyncIterator[RateLimiting]:
    """Give the plugin of a node of its own."""
    clients = RedisClients()
    pool: ProducerPool = None  # type: ignore[assignment]  # no plugin here writes records
    context = PluginContext(pool, lambda _: None, redis=clients, route_id=ROUTE)
    redis = {"host": "127.0.0.1", "port": server.port, **config.pop("redis", {})}
    given = {"policy": "redis", "redis": redis, **config}
    plugin = RateLimiting(Config.model_validate(given), context)
    try:
        yield plugin
    finally:
        plugin.close()
        try:
            await until(lambda: not clients.targets)
        finally:
            await clients.close()


def asked(address: str = "10.0.0.1", tenant: str | None = None) -> Request:
    connection = StandInConnection()
    connection.peer = (address, 1)
    headers = [] if tenant is None else [(b"x-tenant", tenant.encode())]
    return request_of(headers=headers, connection=connection)


async def told(plugin: RateLimiting, request: Request | None = None) -> tuple[int, dict[str, str]]:
    request = request or asked()
    waiting = plugin.access(request)
    assert inspect.isawaitable(waiting)
    response = await waiting or Response(200, [])
    assert isinstance(response, Response)
    head = HeadWriter(Clock(), ()).head(request, response, 0, True).decode()
    pairs = (line.partition(": ")[::2] for line in head.split("\r\n"))
    names = ("RateLimit", "X-RateLimit", "Retry-After")
    return response.status, {name: value for name, value in pairs if name.startswith(names)}


async def test_keys_are_kongs_and_each_has_a_time_to_live(server: Valkey) -> None:
    async with node(server, minute=6, hour=9) as plugin:
        assert (await told(plugin))[0] == 200
    minute = f"ratelimit:{ROUTE}:{NOBODY}:10.0.0.1:{NOON * 1000:.0f}:minute"
    hour = f"ratelimit:{ROUTE}:{NOBODY}:10.0.0.1:{NOON * 1000:.0f}:hour"
    assert sorted(server.ask("KEYS", "*")) == sorted([minute, hour])
    assert 0 < server.ask("TTL", minute) <= 60
    assert 60 < server.ask("TTL", hour) <= 3600


async def test_headers_are_those_of_local_counts(server: Valkey) -> None:
    async with node(server, minute=2, limit_by="ip") as plugin:
        assert await told(plugin) == (
            200,
            {
                "RateLimit-Limit": "2",
                "RateLimit-Remaining": "1",
                "RateLimit-Reset": "60",
                "X-RateLimit-Limit-Minute": "2",
                "X-RateLimit-Remaining-Minute": "1",
            },
        )
        await told(plugin)
        status, headers = await told(plugin)
        assert (status, headers["Retry-After"]) == (429, "60")


async def test_many_at_once_on_two_nodes_pass_to_the_limit_exactly(server: Valkey) -> None:
    async with node(server, minute=100, hour=500) as one, node(server, minute=100) as two:
        found = await asyncio.gather(*(told(plugin) for _ in range(150) for plugin in (one, two)))
    assert sorted(status for status, _ in found) == [200] * 100 + [429] * 200
    # A refused request counts nowhere.
    assert set(server.ask("MGET", *server.ask("KEYS", "*"))) == {"100", found_of_hour(server)}


def found_of_hour(server: Valkey) -> str:
    (key,) = server.ask("KEYS", "*:hour")
    return str(server.ask("GET", key))


async def test_of_many_at_once_each_is_told_where_it_stands(server: Valkey) -> None:
    async with node(server, minute=40) as plugin:
        found = await asyncio.gather(*(told(plugin) for _ in range(60)))
    left = [int(headers["X-RateLimit-Remaining-Minute"]) for _, headers in found]
    passed = [number for number, (status, _) in zip(left, found, strict=True) if status == 200]
    assert sorted(passed) == list(range(40))
    assert sorted(left) == [0] * 20 + list(range(40))
    assert all(("Retry-After" in headers) == (status == 429) for status, headers in found)


async def test_a_refused_request_counts_in_no_period(server: Valkey) -> None:
    async with node(server, second=1, hour=5) as plugin:
        assert [(await told(plugin))[0] for _ in range(4)] == [200, 429, 429, 429]
    assert found_of_hour(server) == "1"


async def test_a_header_cannot_name_an_address(server: Valkey) -> None:
    async with node(server, minute=1, limit_by="header", header_name="x-tenant") as plugin:
        named = [asked(tenant=value) for value in ("10.0.0.1", "shop", "")]
        assert [(await told(plugin, request))[0] for request in [*named, asked()]] == [200] * 4
    assert len(server.ask("KEYS", "*:shop:*:minute")) == 1


async def test_fractions_are_limits(server: Valkey) -> None:
    async with node(server, minute=1.5) as plugin:
        status, headers = await told(plugin)
        assert (status, headers["RateLimit-Limit"], headers["RateLimit-Remaining"]) == (
            200,
            "1.5",
            "0.5",
        )
        assert [(await told(plugin))[0] for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(("tolerant", "status"), [(True, 200), (False, 500)])
@pytest.mark.parametrize("trouble", ["gone", "hangs", "wrong"])
async def test_without_redis_fault_tolerant_decides(
    server: Valkey, tolerant: bool, status: int, trouble: str
) -> None:
    redis = {"timeout": 200}
    async with node(server, minute=1, fault_tolerant=tolerant, redis=redis) as plugin:
        assert [(await told(plugin))[0] for _ in range(2)] == [200, 429]
        (key,) = server.ask("KEYS", "*")
        if trouble == "gone":
            server.stop()
        elif trouble == "hangs":
            server.pause()
        else:
            server.ask("SET", key, "nonsense")
        try:
            for _ in range(3):
                assert await told(plugin) == (status, {})
        finally:
            if trouble == "gone":
                server.start()
            elif trouble == "hangs":
                server.resume()
            else:
                server.ask("DEL", key)
        # It recovers by itself.
        assert plugin._redis is not None
        redis_client = plugin._redis
        await until(lambda: redis_client.reachable)
        assert (await told(plugin))[1] != {}


async def test_with_a_sync_rate_nodes_learn_of_each_other(server: Valkey) -> None:
    async with (
        node(server, minute=10, sync_rate=0.02) as one,
        node(server, minute=10, sync_rate=0.02) as two,
    ):
        assert [(await told(one))[0] for _ in range(6)] == [200] * 6
        await until(lambda: server.ask("KEYS", "*") and keyed(server) == ["6"])
        assert await told(two) == (
            200,
            {
                "RateLimit-Limit": "10",
                "RateLimit-Remaining": "3",
                "RateLimit-Reset": "60",
                "X-RateLimit-Limit-Minute": "10",
                "X-RateLimit-Remaining-Minute": "3",
            },
        )
        await until(lambda: keyed(server) == ["7"])
        assert 0 < server.ask("TTL", server.ask("KEYS", "*")[0]) <= 60


def keyed(server: Valkey) -> list[str]:
    return [str(value) for value in server.ask("MGET", *server.ask("KEYS", "*"))]


async def test_what_was_counted_is_sent_when_the_plugin_goes(server: Valkey) -> None:
    async with node(server, minute=10, sync_rate=3600) as plugin:
        await told(plugin)
    assert keyed(server) == ["1"]


async def test_plugins_with_databases_and_rates_of_their_own_do_not_mix(server: Valkey) -> None:
    def kept(database: int) -> list[str]:
        return [str(key) for key in server.ask("KEYS", "*", database=database)]

    async with (
        node(server, minute=9, sync_rate=0.02, redis={"database": 1}) as often,
        node(server, minute=9, sync_rate=3600, redis={"database": 2}) as seldom,
    ):
        for plugin in (often, seldom):
            assert (await told(plugin))[1]["RateLimit-Remaining"] == "8"
        await until(lambda: bool(kept(1)))
        assert (kept(0), kept(2)) == ([], [])
    assert (len(kept(0)), len(kept(1)), len(kept(2))) == (0, 1, 1)


async def test_consumer_groups_are_counted_together(server: Valkey) -> None:
    async with node(server, minute=1, limit_by="consumer-group") as plugin:
        one, two = asked("10.0.0.1"), asked("10.0.0.2")
        for request in (one, two):
            request.consumer_groups = ({"id": "gold", "name": "gold"},)
        found = [(await told(plugin, request))[0] for request in (one, two, asked("10.0.0.2"))]
        assert found == [200, 429, 200]
