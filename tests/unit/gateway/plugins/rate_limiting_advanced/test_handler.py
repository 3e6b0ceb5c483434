# SPDX-License-Identifier: Apache-2.0
"""``rate-limiting-advanced``: sliding and fixed windows, Redis and back."""

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
from gateway.plugins.rate_limiting_advanced import handler as module
from gateway.plugins.rate_limiting_advanced.handler import RateLimitingAdvanced
from gateway.plugins.rate_limiting_advanced.schema import Config
from gateway.plugins.shared_counters import SharedCounters
from gateway.redis.clients import RedisClients
from tests.support.producing import until
from tests.support.requests import request_of
from tests.support.valkey import Valkey, running_valkey

BEGIN = 4_000_000_020.0
"""The beginning of a minute, later than any test runs: nothing here is over by real time."""


class Time:
    """What the plugin takes for the time."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    assert BEGIN % 60 == 0
    found = Time()
    monkeypatch.setattr(module, "time", found)
    return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with running_valkey(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(running: Valkey) -> Valkey:
    running.ask("FLUSHALL")
    return running


def limited(
    counters: SharedCounters | None = None, clients: RedisClients | None = None, **config: Any
) -> RateLimitingAdvanced:
    pool: ProducerPool = None  # type: ignore[assignment]  # no plugin here writes records
    context = PluginContext(
        pool,
        lambda _: None,
        plugin_id="0a",
        counters=counters or SharedCounters(),
        redis=clients or RedisClients(),
    )
    given = {"limit": [10], "window_size": [60], **config}
    return RateLimitingAdvanced(Config.model_validate(given), context)


@asynccontextmanager
async def node(server: Valkey, **config: Any) -> AsyncIterator[RateLimitingAdvanced]:
    clients = RedisClients()
    redis = {"host": "127.0.0.1", "port": server.port, **config.pop("redis", {})}
    plugin = limited(clients=clients, strategy="redis", redis=redis, **config)
    try:
        yield plugin
    finally:
        plugin.close()
        try:
            await until(lambda: not clients.targets)
        finally:
            await clients.close()


async def told(plugin: RateLimitingAdvanced) -> tuple[int, dict[str, str]]:
    request: Request = request_of()
    found = plugin.access(request)
    response = (await found if inspect.isawaitable(found) else found) or Response(200, [])
    assert isinstance(response, Response)
    head = HeadWriter(Clock(), ()).head(request, response, 0, True).decode()
    pairs = (line.partition(": ")[::2] for line in head.split("\r\n"))
    names = ("RateLimit", "X-RateLimit", "Retry-After")
    return response.status, {name: value for name, value in pairs if name.startswith(names)}


async def statuses(plugin: RateLimitingAdvanced, count: int) -> list[int]:
    return [(await told(plugin))[0] for _ in range(count)]


async def test_headers_name_each_window(clock: Time) -> None:
    plugin = limited(limit=[100, 5], window_size=[90, 60])
    assert await told(plugin) == (
        200,
        {
            "RateLimit-Limit": "5",
            "RateLimit-Remaining": "4",
            "RateLimit-Reset": "60",
            "X-RateLimit-Limit-Minute": "5",
            "X-RateLimit-Remaining-Minute": "4",
            "X-RateLimit-Limit-90": "100",
            "X-RateLimit-Remaining-90": "99",
        },
    )


async def test_a_fixed_window_begins_anew(clock: Time) -> None:
    plugin = limited(limit=[2], window_type="fixed")
    assert await statuses(plugin, 4) == [200, 200, 429, 429]
    clock.now += 60
    assert await statuses(plugin, 3) == [200, 200, 429]


async def test_a_sliding_window_lets_no_burst_over_its_edge(clock: Time) -> None:
    plugin = limited(limit=[10], disable_penalty=True)
    clock.now += 59
    assert await statuses(plugin, 11) == [200] * 10 + [429]
    clock.now += 1
    assert await statuses(plugin, 1) == [429]
    clock.now += 30
    assert await statuses(plugin, 6) == [200] * 5 + [429]


@pytest.mark.parametrize("disabled", [False, True])
async def test_one_that_never_slows_down_stays_refused_unless_penalties_are_off(
    clock: Time, disabled: bool
) -> None:
    plugin = limited(limit=[10], disable_penalty=disabled)
    found = []
    for _ in range(4 * 12):
        found += await statuses(plugin, 1)
        clock.now += 5
    later = found[12:]
    assert (set(later) == {429}) is not disabled


async def test_retry_after_says_when_and_may_be_put_off(clock: Time) -> None:
    plugin = limited(limit=[1], retry_after_jitter_max=5, disable_penalty=True)
    assert await statuses(plugin, 1) == [200]
    for _ in range(30):
        _, headers = await told(plugin)
        reset = int(headers["RateLimit-Reset"])
        assert reset <= int(headers["Retry-After"]) <= reset + 5
    clock.now += reset
    assert await statuses(plugin, 1) == [200]


async def test_hidden_headers_hide_retry_after_too(clock: Time) -> None:
    plugin = limited(limit=[1], hide_client_headers=True, error_code=404, error_message="no")
    assert [await told(plugin) for _ in range(2)] == [(200, {}), (404, {})]


async def test_plugins_of_one_namespace_share_their_counts(clock: Time) -> None:
    counters = SharedCounters()
    one, two = (limited(counters, namespace="n", limit=[1]) for _ in range(2))
    assert await statuses(one, 1) + await statuses(two, 1) == [200, 429]
    # Without one the plugin's own id counts, over releases.
    assert await statuses(limited(counters, limit=[1]), 1) == [200]
    assert await statuses(limited(counters, limit=[1]), 1) == [429]


async def test_throttled_requests_wait_and_pass_or_are_refused(
    clock: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.now += seconds

    monkeypatch.setattr(asyncio, "sleep", sleep)
    throttling = {"enabled": True, "interval": 20, "retry_times": 3}
    plugin = limited(limit=[1], window_type="fixed", throttling=throttling)
    assert await statuses(plugin, 2) == [200, 200]
    assert slept == [20, 20, 20]
    plugin = limited(limit=[1], window_type="fixed", throttling={**throttling, "retry_times": 1})
    assert await statuses(plugin, 2) == [200, 429]


async def test_only_so_many_are_held(clock: Time) -> None:
    throttling = {"enabled": True, "interval": 1000, "queue_limit": 1}
    plugin = limited(limit=[1], window_type="fixed", throttling=throttling)
    assert await statuses(plugin, 1) == [200]
    held = asyncio.ensure_future(told(plugin))
    await asyncio.sleep(0)
    assert await statuses(plugin, 1) == [429]
    held.cancel()
    await asyncio.gather(held, return_exceptions=True)
    assert plugin._held == 0


async def test_nodes_count_together_exactly(clock: Time, server: Valkey) -> None:
    more: dict[str, Any] = {"limit": [50], "sync_rate": 0, "disable_penalty": True}
    async with node(server, **more) as one, node(server, **more) as two:
        found = await asyncio.gather(*(told(plugin) for _ in range(60) for plugin in (one, two)))
    assert sorted(status for status, _ in found) == [200] * 50 + [429] * 70
    for key in server.ask("KEYS", "*"):
        assert 0 < server.ask("TTL", key) <= 121


async def test_without_redis_the_node_decides_and_tells_redis_later(
    clock: Time, server: Valkey
) -> None:
    async with node(server, limit=[5], sync_rate=0, disable_penalty=True) as plugin:
        assert await statuses(plugin, 2) == [200, 200]
        (key,) = server.ask("KEYS", "*")
        server.stop()
        try:
            # What was counted before still counts.
            assert await statuses(plugin, 5) == [200, 200, 200, 429, 429]
        finally:
            server.start()
        await until(lambda: server.ask("GET", key) == "3")


@pytest.mark.parametrize("gone", [False, True])
async def test_with_a_sync_rate_counts_meet_in_redis(
    clock: Time, server: Valkey, gone: bool
) -> None:
    if gone:
        server.stop()
    try:
        async with node(server, limit=[5], sync_rate=0.02, disable_penalty=True) as plugin:
            assert await statuses(plugin, 6) == [200] * 5 + [429]
            if gone:
                server.start()
            await until(lambda: counted(server) == ["5"])
        async with node(server, limit=[5], sync_rate=0.02, disable_penalty=True) as other:
            assert await statuses(other, 1) == [429]
    finally:
        if server._process is None:
            server.start()


def counted(server: Valkey) -> list[str]:
    keys = server.ask("KEYS", "*")
    return [str(value) for value in server.ask("MGET", *keys)] if keys else []


async def test_with_minus_one_nothing_goes_to_redis(clock: Time, server: Valkey) -> None:
    plugin = limited(limit=[1], strategy="redis", sync_rate=-1)
    assert await statuses(plugin, 2) == [200, 429]
    assert server.ask("KEYS", "*") == []
