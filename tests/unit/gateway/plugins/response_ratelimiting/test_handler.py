# SPDX-License-Identifier: Apache-2.0
"""What an upstream says is counted; what is used up is refused, before or after it."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.http.messages import Request, Response
from gateway.kafka.pool import ProducerPool
from gateway.plugins.base import PluginContext
from gateway.plugins.response_ratelimiting import handler as module
from gateway.plugins.response_ratelimiting.handler import ResponseRateLimiting
from gateway.plugins.response_ratelimiting.schema import Config
from gateway.redis.clients import RedisClients
from tests.support.producing import until
from tests.support.requests import request_of
from tests.support.valkey import running_valkey

NOON = 4_000_000_000.0 - 4_000_000_000.0 % 86400 + 43200


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "time", lambda: NOON)


def limited(clients: RedisClients | None = None, **config: Any) -> ResponseRateLimiting:
    pool: ProducerPool = None  # type: ignore[assignment]  # no plugin here writes records
    context = PluginContext(
        pool, lambda _: None, redis=RedisClients() if clients is None else clients
    )
    given = {"limits": {"video": {"second": 10}}, **config}
    return ResponseRateLimiting(Config.model_validate(given), context)


async def served(
    plugin: ResponseRateLimiting,
    cost: bytes = b"video=1",
    *,
    generated: bool = False,
    stored: bool = False,
) -> tuple[Request, Response]:
    request = request_of()
    found = plugin.access(request)
    refused = await found if inspect.isawaitable(found) else found
    if refused is None:
        headers = [(b"X-Kong-Limit", cost), (b"Content-Length", b"4")]
        response = Response(200, headers, b"body", generated=generated)
        request.upstream_status = None if stored else 200
    else:
        assert isinstance(refused, Response)
        response = refused
    plugin.header_filter(request, response)
    return request, response


async def test_what_is_used_is_counted_and_told() -> None:
    plugin = limited(limits={"video": {"second": 10, "minute": 20}})
    request, response = await served(plugin, b"video=3, other=9")
    assert request.header(b"x-ratelimit-remaining-video") == b"10"
    headers = dict(response.headers)
    assert headers[b"X-RateLimit-Limit-video-second"] == b"10"
    assert headers[b"X-RateLimit-Remaining-video-second"] == b"7"
    assert headers[b"X-RateLimit-Remaining-video-minute"] == b"17"
    assert b"X-Kong-Limit" not in headers
    request, _ = await served(plugin)
    assert request.header(b"x-ratelimit-remaining-video") == b"7"


async def test_the_response_after_the_last_unit_is_a_429_without_a_body() -> None:
    plugin = limited()
    for _ in range(10):
        assert (await served(plugin))[1].status == 200
    _, response = await served(plugin)
    assert (response.status, response.body) == (429, b"")
    assert b"content-length" not in {name.lower() for name, _ in response.headers}
    # Nothing was counted, and one that uses nothing passes.
    assert (await served(plugin, b"other=1"))[1].status == 200


async def test_a_body_on_its_way_is_closed() -> None:
    class Body:
        closed = False

        def __aiter__(self) -> AsyncIterator[bytes]:
            return self

        async def __anext__(self) -> bytes:
            raise AssertionError("not read")

        def close(self) -> None:
            self.closed = True

    plugin = limited()
    await served(plugin, b"video=10")
    request, body = request_of(), Body()
    assert plugin.access(request) is None
    request.upstream_status = 200
    response = Response(200, [(b"X-Kong-Limit", b"video=1")], body, generated=False)
    plugin.header_filter(request, response)
    assert (response.status, response.body, body.closed) == (429, b"", True)


async def test_a_used_up_limit_stops_requests_before_the_upstream_if_wanted() -> None:
    plugin = limited(block_on_first_violation=True)
    await served(plugin, b"video=10")
    request = request_of()
    found = plugin.access(request)
    assert isinstance(found, Response)
    assert found.status == 429
    assert isinstance(found.body, bytes)
    assert b"API rate limit exceeded for 'video'" in found.body
    assert (await served(limited(block_on_first_violation=True)))[1].status == 200


async def test_only_an_upstreams_word_counts() -> None:
    plugin = limited()
    await served(plugin, b"video=10", generated=True)
    request, _ = await served(plugin)
    assert request.header(b"x-ratelimit-remaining-video") == b"10"


async def test_a_response_that_was_stored_is_not_counted_again() -> None:
    plugin = limited(limits={"video": {"minute": 2}})
    for _ in range(3):
        _, response = await served(plugin, stored=True)
        assert response.status == 200
        assert b"X-Kong-Limit" not in dict(response.headers)
    request, _ = await served(plugin)
    assert request.header(b"x-ratelimit-remaining-video") == b"2"


async def test_hidden_headers_are_not_there() -> None:
    _, response = await served(limited(hide_client_headers=True))
    assert [name for name, _ in response.headers] == [b"Content-Length"]


async def test_counts_in_redis_have_kongs_keys_and_a_time_to_live(tmp_path: Path) -> None:
    with running_valkey(tmp_path) as server:
        clients = RedisClients()
        redis = {"host": "127.0.0.1", "port": server.port, "timeout": 500}
        plugin = limited(clients, policy="redis", redis=redis, limits={"video": {"minute": 5}})
        try:
            await served(plugin, b"video=4")
            nobody = "00000000-0000-0000-0000-000000000000"
            key = f"response-ratelimit:{nobody}:{nobody}:127.0.0.1:{NOON * 1000:.0f}:video:minute"
            await until(lambda: server.ask("GET", key) == "4")
            assert 0 < server.ask("TTL", key) <= 60
            request, _ = await served(plugin, b"video=1")
            assert request.header(b"x-ratelimit-remaining-video") == b"1"
            await until(lambda: server.ask("GET", key) == "5")
            assert (await served(plugin))[1].status == 429
            server.ask("SET", key, "garbage")
            assert (await served(plugin))[1].status == 200
            server.stop()
            _, response = await served(plugin)
            assert response.status == 200
            assert b"X-Kong-Limit" not in dict(response.headers)
            strict = limited(clients, policy="redis", redis=redis, fault_tolerant=False)
            assert (await served(strict))[1].status == 500
            strict.close()
        finally:
            plugin.close()
            await clients.close()
