# SPDX-License-Identifier: Apache-2.0
"""Failures that nodes count together, in a real Redis; it may go away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.entities.redis_settings import RedisSettings
from gateway.plugins.basic_auth import handler
from gateway.plugins.basic_auth.redis_guard import RedisGuard
from gateway.redis.client import RedisClient
from gateway.redis.target import target_of
from tests.support.gates import consumers, gate
from tests.support.valkey import Valkey, running_valkey
from tests.unit.gateway.plugins.basic_auth.test_handler import BOB, ROWS, basic

TABLE: dict[str, Any] = {"consumers": consumers("bob"), "basicauth_credentials": ROWS[:1]}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with running_valkey(tmp_path_factory.mktemp("redis")) as found:
        yield found


def guard(server: Valkey) -> RedisGuard:
    settings = RedisSettings(host="127.0.0.1", port=server.port)
    return RedisGuard(RedisClient(target_of(settings, None)))


async def test_two_nodes_count_together_and_waits_double(server: Valkey) -> None:
    nodes = guard(server), guard(server)
    found = [await nodes[index % 2].attempt("two nodes") for index in range(4)]
    assert found[:3] == [(0, 0), (0, 0), (0, 8)]
    assert 1 <= found[3][0] <= 8
    assert await nodes[0].attempt("another") == (0, 0)
    for node in nodes:
        await node.redis.close()


async def test_of_many_attempts_at_once_three_are_made(server: Valkey) -> None:
    node = guard(server)
    found = await asyncio.gather(*(node.attempt("at once") for _ in range(100)))
    assert sum(wait == 0 for wait, _ in found) == 3
    await node.redis.close()


async def test_an_attempt_that_is_taken_back_counts_no_more(server: Valkey) -> None:
    node = guard(server)
    for _ in range(10):
        assert (await node.attempt("right"))[0] == 0
        await node.take_back("right")
    assert int(await node.redis.command("TTL", *[await _key(node)])) > 0
    await node.redis.close()


async def _key(node: RedisGuard) -> Any:
    keys = await node.redis.command("KEYS", "basic-auth:*")
    return keys[0]


async def test_strangers_have_no_more_than_their_share_of_redis(
    server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "_STRANGERS", 5)
    redis = {"host": "127.0.0.1", "port": server.port, "database": 3}
    config = {"brute_force_protection": {"strategy": "redis", "redis": redis}}
    async with gate({"basic-auth": config}, **TABLE) as place:
        statuses = {
            (await place.ask(headers={"authorization": basic(f"stranger {number}:x")})).status
            for number in range(30)
        }
        assert statuses == {401, 429}
        assert (await place.ask(headers={"authorization": BOB})).status == 200
    settings = RedisSettings(host="127.0.0.1", port=server.port, database=3)
    client = RedisClient(target_of(settings, None))
    assert len(await client.command("KEYS", "basic-auth:*")) <= 6
    await client.close()


async def test_the_plugin_counts_there_and_by_itself_while_it_is_away(server: Valkey) -> None:
    redis = {"host": "127.0.0.1", "port": server.port, "timeout": 500}
    config = {"brute_force_protection": {"strategy": "redis", "redis": redis}}
    async with gate({"basic-auth": config}, **TABLE) as place:
        assert (await place.ask(headers={"authorization": BOB})).status == 200
        wrong = {"authorization": basic("bob:wrong")}
        assert [(await place.ask(headers=wrong)).status for _ in range(3)] == [401, 401, 429]
        refused = await place.ask(headers={"authorization": BOB})
        assert refused.status == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 8
    redis["port"] = 1
    async with gate({"basic-auth": config}, **TABLE) as place:
        assert (await place.ask(headers={"authorization": BOB})).status == 200
        assert [(await place.ask(headers=wrong)).status for _ in range(3)] == [401, 401, 429]
