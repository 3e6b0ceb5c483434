# SPDX-License-Identifier: Apache-2.0
"""Round trips that many share, and a server that hangs, is gone, answers nonsense, and is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from time import monotonic

import pytest

from gateway.entities.redis_settings import RedisSettings
from gateway.errors import RedisFailed, RedisUnreachable
from gateway.redis.client import RedisClient
from gateway.redis.script import RedisScript
from gateway.redis.target import target_of
from tests.support.producing import until
from tests.support.valkey import Valkey, running_valkey

COUNT = RedisScript("return redis.call('INCR', KEYS[1])")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with running_valkey(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(running: Valkey) -> Valkey:
    running.ask("FLUSHALL")
    return running


@asynccontextmanager
async def client_of(port: int, patience: int = 2000) -> AsyncIterator[RedisClient]:
    client = RedisClient(target_of(RedisSettings(host="127.0.0.1", port=port, timeout=patience)))
    try:
        yield client
    finally:
        await client.close()


async def outcome(client: RedisClient) -> str:
    try:
        return str(await client.run(COUNT, ["k"]))
    except RedisFailed as error:
        return type(error).__name__


async def test_commands_and_scripts_are_replied_to(server: Valkey) -> None:
    async with client_of(server.port) as client:
        assert await client.command("SET", "a", 1.5) == b"OK"
        assert await client.command("MGET", "a", "b") == [b"1.5", None]
        assert await client.run(COUNT, ["k"]) == 1


async def test_a_script_is_sent_again_to_a_server_that_forgot_it(server: Valkey) -> None:
    async with client_of(server.port) as client:
        assert await client.run(COUNT, ["k"]) == 1
        server.ask("SCRIPT", "FLUSH")
        replies = await asyncio.gather(*(client.run(COUNT, ["k"]) for _ in range(50)))
        assert replies == list(range(2, 52))


async def test_what_is_asked_at_once_travels_together(server: Valkey) -> None:
    async with client_of(server.port) as client:
        await client.run(COUNT, ["k"])
        replies = await asyncio.gather(*(client.run(COUNT, ["k"]) for _ in range(2000)))
        assert sorted(replies) == list(range(2, 2002))
        assert int(server.ask("INFO", "clients")["connected_clients"]) < 10


async def test_an_error_of_the_server_is_one_callers_alone(server: Valkey) -> None:
    async with client_of(server.port) as client:
        await client.command("RPUSH", "k", 1)
        wrong, right = await asyncio.gather(outcome(client), client.command("PING"))
        assert (wrong, right) == ("RedisFailed", b"PONG")
        assert client.reachable


async def test_a_server_that_hangs_costs_one_timeout(server: Valkey) -> None:
    async with client_of(server.port, patience=1500) as client:
        assert await outcome(client) == "1"
        server.pause()
        try:
            begun = monotonic()
            found = await asyncio.gather(*(outcome(client) for _ in range(1000)))
            assert set(found) == {"RedisUnreachable"}
            assert monotonic() - begun >= 1.25
            # None of these waits: no time passes on the loop, not even a turn.
            for _ in range(100):
                with pytest.raises(RedisUnreachable, match=r"no response within 1\.5 s"):
                    await client.command("PING")
            assert client.waiting == 0
        finally:
            server.resume()
        await until(lambda: client.reachable)
        assert (await outcome(client)).isdigit()


async def test_a_restarted_server_is_found_again(server: Valkey) -> None:
    async with client_of(server.port) as client:
        assert await outcome(client) == "1"
        server.stop()
        try:
            assert await outcome(client) == "RedisUnreachable"
            assert not client.reachable
        finally:
            server.start()
        await until(lambda: client.reachable)
        assert await outcome(client) == "1"


async def test_what_is_no_redis_is_unreachable() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with (
        await asyncio.start_server(greet, "127.0.0.1", 0) as wrong,
        client_of(wrong.sockets[0].getsockname()[1]) as client,
    ):
        assert await outcome(client) == "RedisUnreachable"
        assert not client.reachable


async def test_what_waits_is_bounded(server: Valkey) -> None:
    async with client_of(server.port, patience=500) as client:
        server.pause()
        try:
            found = await asyncio.gather(
                *(outcome(client) for _ in range(20_100)), return_exceptions=True
            )
        finally:
            server.resume()
        assert set(found) == {"RedisUnreachable"}


async def test_a_caller_that_leaves_does_not_stop_the_others(server: Valkey) -> None:
    async with client_of(server.port) as client:
        leaving = asyncio.ensure_future(client.run(COUNT, ["k"]))
        staying = asyncio.ensure_future(client.run(COUNT, ["k"]))
        await asyncio.sleep(0)
        leaving.cancel()
        assert await staying in (1, 2)


async def test_closing_fails_what_waits(server: Valkey) -> None:
    async with client_of(server.port) as client:
        server.pause()
        try:
            waiting = asyncio.ensure_future(outcome(client))
            await asyncio.sleep(0)
            await client.close()
            await client.close()
            assert await waiting == "RedisUnreachable"
        finally:
            server.resume()
