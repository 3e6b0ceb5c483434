# SPDX-License-Identifier: Apache-2.0
"""The store in a real Redis: what nodes share, and what becomes of a claim whose owner is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.errors import NodeStoreUnavailable
from gateway.plugins.redis_store import RedisStore
from gateway.plugins.shared_store import Seen, Standing
from gateway.redis.client import RedisClient
from gateway.redis.target import RedisTarget
from tests.support.valkey import Valkey, running_valkey
from tests.support.waiting import PATIENCE


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with running_valkey(tmp_path_factory.mktemp("redis")) as server:
        yield server


@asynccontextmanager
async def stores(valkey: Valkey, count: int = 2) -> AsyncIterator[list[RedisStore]]:
    """Give the stores of so many workers, which share an empty server."""
    valkey.ask("FLUSHALL")
    made = [
        RedisStore(RedisClient(RedisTarget("127.0.0.1", valkey.port, 2, 2, 2)))
        for _ in range(count)
    ]
    try:
        yield made
    finally:
        for store in made:
            await store.close()
            await store.client.close()


async def begin(
    store: RedisStore, mark: bytes = b"m", *, wait: float = 0, again: bool = False, **more: Any
) -> Seen:
    return await store.begin("k", mark, wait=wait, ttl=60, again=again, **more)


async def test_values_are_shared_and_removed(valkey: Valkey) -> None:
    async with stores(valkey) as (one, other):
        assert await one.get("a:1") is None
        for number in range(5):
            assert await one.put(f"a:{number}", b"\x00value", 60)
        await one.put("b:1", b"", 60)
        assert await other.get("a:1") == b"\x00value"
        assert await other.remove("a:1")
        assert not await other.remove("a:1")
        assert await other.clear("a:") == 4
        assert await one.get("b:1") == b""


async def test_a_value_goes_with_its_time(valkey: Valkey) -> None:
    async with stores(valkey, 1) as (one,):
        await one.put("a", b"1", 0.001)
        for _ in range(10_000):
            if await one.get("a") is None:
                break
        assert await one.get("a") is None


async def test_of_many_who_begin_at_once_one_does_and_all_see_its_result(valkey: Valkey) -> None:
    async with stores(valkey) as (one, other):
        seen = [asyncio.create_task(begin(one, wait=20)) for _ in range(20)]
        seen += [asyncio.create_task(begin(other, wait=20)) for _ in range(20)]
        await asyncio.wait(seen, return_when=asyncio.FIRST_COMPLETED)
        (first,) = [task.result() for task in seen if task.done()]
        assert first.standing is Standing.BEGUN
        assert await one.finish("k", first.token, b"done", 60), "by whichever of them"
        everyone = await asyncio.gather(*seen)
        assert sorted(one.standing for one in everyone) == ["begun"] + ["found"] * 39


async def test_another_mark_a_release_and_the_end_of_waiting(valkey: Valkey) -> None:
    async with stores(valkey) as (one, other):
        first = await begin(one)
        assert (await begin(other, b"other", wait=20)).standing is Standing.OTHER
        assert (await begin(other, wait=0.01)).standing is Standing.BUSY
        waiting = asyncio.create_task(begin(other, wait=20))
        await one.release("k", first.token)
        second = await waiting
        assert second.standing is Standing.BEGUN
        assert not await one.finish("k", first.token, b"late", 60)
        assert await other.finish("k", second.token, b"done", 60)
        await other.release("k", second.token)
        assert (await begin(one)).value == b"done", "a result cannot be released"


@pytest.mark.parametrize("again", [False, True])
async def test_what_the_dead_had_begun_is_lost_or_taken_over_with_its_note(
    valkey: Valkey, again: bool
) -> None:
    async with stores(valkey) as (dead, alive):
        first = await begin(dead, lease=2, note=b"first")
        assert -1 < dead.left(first.token) + 1 <= 2
        assert (await begin(alive, wait=4)).standing is Standing.BUSY, "it is at work"
        await dead.close()
        assert (await begin(alive, b"other", wait=20, again=again)).standing is Standing.OTHER
        seen = await begin(alive, wait=20, again=again, note=b"second")
        if again:
            assert (seen.standing, seen.value) == (Standing.TAKEN, b"first")
            assert alive.left(seen.token) > 0
        else:
            assert seen.standing is Standing.LOST


async def test_a_claim_that_is_given_up_is_taken_over_at_once_with_its_first_note(
    valkey: Valkey,
) -> None:
    async with stores(valkey) as (one, other):
        first = await begin(one, note=b"first")
        waiting = asyncio.create_task(begin(other, wait=20, again=True, note=b"second"))
        await other.lose("k", "another")
        await one.lose("k", first.token)
        assert one.left(first.token) < 0
        second = await waiting
        assert (second.standing, second.value) == (Standing.TAKEN, b"first")
        await other.lose("k", second.token, b"changed")
        third = await begin(one, again=True)
        assert (third.standing, third.value) == (Standing.TAKEN, b"changed")
        await one.finish("k", third.token, b"done", 60)
        await one.lose("k", third.token)
        assert (await begin(other)).value == b"done", "a result is not lost"


async def test_a_server_that_is_away_is_unavailable_and_gets_the_result_later(
    valkey: Valkey,
) -> None:
    async with stores(valkey, 1) as (one,):
        first = await begin(one)
        valkey.pause()
        try:
            with pytest.raises(NodeStoreUnavailable):
                await one.finish("k", first.token, b"done", 60)
            with pytest.raises(NodeStoreUnavailable):
                await one.get("k")
        finally:
            valkey.resume()
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    seen = await begin(one)
                except NodeStoreUnavailable:
                    pass
                else:
                    if seen.standing is Standing.FOUND:
                        break
                await asyncio.sleep(0.05)
        assert seen.value == b"done"
