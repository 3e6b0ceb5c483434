# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf

import pytest

from gateway.data_plane.master.store_server import StoreServer
from gateway.data_plane.worker import store_client as module
from gateway.data_plane.worker.store_client import StoreClient
from gateway.errors import NodeStoreUnavailable
from gateway.plugins.node_store import NodeStore
from gateway.plugins.shared_store import Standing
from tests.support.http import until


@asynccontextmanager
async def clients(store: NodeStore, count: int = 2) -> AsyncIterator[list[StoreClient]]:
    server, made = StoreServer(store), []
    for _ in range(count):
        ours, theirs = socket.socketpair()
        await server.attach(ours)
        made.append(await StoreClient.open(theirs))
    try:
        yield made
    finally:
        for client in made:
            client.close()
        await asyncio.sleep(0.01)


async def test_workers_see_each_others_values() -> None:
    async with clients(NodeStore()) as (one, other):
        assert await one.get("k") is None
        assert await one.put("k", b"", 60)
        assert await other.get("k") == b""
        assert await other.remove("k")
        await one.put("a:1", bytes(100_000), 60)
        assert await other.clear("a:") == 1


async def test_a_worker_waits_for_what_another_began() -> None:
    async with clients(NodeStore()) as (one, other):
        first = await one.begin("k", b"m", wait=1, ttl=60)
        assert first.standing is Standing.BEGUN
        waiting = asyncio.create_task(other.begin("k", b"m", wait=20, ttl=60))
        assert await other.get("k") is None, "others are served meanwhile"
        assert await one.finish("k", first.token, b"done", 60)
        assert (await waiting).value == b"done"
        await one.release("k", first.token)
        assert await other.get("k") == b"done", "a result cannot be released"


async def test_a_worker_that_ends_loses_what_it_had_begun() -> None:
    async with clients(NodeStore()) as (one, other):
        await one.begin("k", b"m", wait=1, ttl=60)
        waiting = asyncio.create_task(other.begin("k", b"m", wait=20, ttl=60))
        one.close()
        assert (await waiting).standing is Standing.LOST
        with pytest.raises(NodeStoreUnavailable, match="master is gone"):
            await until_closed(one)


async def until_closed(client: StoreClient) -> None:
    for _ in range(1000):
        await client.get("k")
        await asyncio.sleep(0.001)


async def test_who_waits_in_a_worker_that_ends_takes_nothing_along() -> None:
    store = NodeStore()
    async with clients(store) as (one, other):
        first = await one.begin("k", b"m", wait=1, ttl=60)
        waiting = asyncio.create_task(other.begin("k", b"m", wait=20, ttl=60, again=True))
        await other.get("k")
        other.close()
        with pytest.raises(NodeStoreUnavailable):
            await waiting
        await one.release("k", first.token)
        assert (await one.begin("k", b"m", wait=5, ttl=60)).standing is Standing.BEGUN


async def test_a_note_goes_to_the_worker_that_takes_over_and_stays_when_it_waits_no_more() -> None:
    store = NodeStore()
    async with clients(store) as (one, other):
        first = await one.begin("k", b"m", wait=1, ttl=60, note=b"first")
        assert one.left(first.token) == inf
        waiting = asyncio.create_task(other.begin("k", b"m", wait=20, ttl=60, again=True))
        await other.get("k")
        waiting.cancel()
        await one.lose("k", first.token)
        await other.get("k")
        seen = await one.begin("k", b"m", wait=20, ttl=60, again=True, note=b"second")
        assert (seen.standing, seen.value) == (Standing.TAKEN, b"first")
        one.close()
        await until_closed_quietly(one)
        assert one.left(seen.token) == 0


async def until_closed_quietly(client: StoreClient) -> None:
    with pytest.raises(NodeStoreUnavailable):
        await until_closed(client)


async def test_a_full_store_and_a_silent_one_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with clients(NodeStore(max_bytes=100)) as (one, _):
        with pytest.raises(NodeStoreUnavailable, match="full"):
            await one.begin("k", b"m", wait=1, ttl=60)
    monkeypatch.setattr(module, "_WITHIN", 0.01)
    ours, theirs = socket.socketpair()
    client = await StoreClient.open(theirs)
    with ours, pytest.raises(NodeStoreUnavailable, match=r"no answer within 0\.01 s"):
        await client.get("k")
    client.close()


async def test_what_waits_for_the_store_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_BYTES", 10)
    async with clients(NodeStore(), 1) as (one,):
        with pytest.raises(NodeStoreUnavailable, match="too many"):
            await one.put("k", bytes(11), 60)


async def test_a_claim_that_nobody_waits_for_any_more_is_given_back() -> None:
    store = NodeStore()
    async with clients(store) as (one, other):
        first = await one.begin("k", b"m", wait=1, ttl=60)
        waiting = asyncio.create_task(other.begin("k", b"m", wait=20, ttl=60))
        await other.get("k")
        waiting.cancel()
        await one.release("k", first.token)
        await until(lambda: len(store) == 0)
