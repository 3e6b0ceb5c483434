# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.plugins.logging.sinks import LogSinks
from tests.support.logging import server_tls, until
from tests.support.policies import policy_gateway
from tests.support.ports import free_ports


class LineServer:
    """Keeps the lines that it gets."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.names: list[str | None] = []
        self.lines: list[bytes] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.reads = asyncio.Event()
        self.reads.set()

    @property
    def uris(self) -> list[str]:
        return [orjson.loads(line)["request"]["uri"] for line in self.lines]

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        await self.reads.wait()
        while line := await reader.readline():
            self.lines.append(line)
        writer.close()

    def drop(self) -> None:
        """End all connections."""
        for writer in self.writers:
            writer.close()
        self.writers.clear()


@asynccontextmanager
async def listening(
    server: LineServer, port: int = 0, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[LineServer]:
    listener = await asyncio.start_server(server.accept, host, port, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        server.drop()
        await asyncio.sleep(0)


def config(port: int, **more: Any) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": port, **more}


async def test_each_request_is_a_line_over_one_connection() -> None:
    async with (
        listening(LineServer()) as server,
        policy_gateway(("tcp-log", config(server.port))) as gateway,
    ):
        for place in range(3):
            await gateway.ask(f"/{place}")
            await until(lambda: len(server.lines))
        await until(lambda: len(server.lines) == 3)
        assert server.uris == ["/0", "/1", "/2"]
        assert server.connections == 1


@pytest.mark.parametrize("host", ["::1", "[::1]"])
async def test_an_address_may_be_in_brackets(host: str) -> None:
    async with (
        listening(LineServer(), host="::1") as server,
        policy_gateway(("tcp-log", {"host": host, "port": server.port})) as gateway,
    ):
        await gateway.ask("/1")
        await until(lambda: server.uris == ["/1"])


async def test_a_server_that_closes_is_connected_to_again() -> None:
    async with (
        listening(LineServer()) as server,
        policy_gateway(("tcp-log", config(server.port))) as gateway,
    ):
        await gateway.ask("/1")
        await until(lambda: server.uris == ["/1"])
        server.drop()
        await asyncio.sleep(0.05)
        await gateway.ask("/2")
        await until(lambda: server.uris == ["/1", "/2"])
        assert server.connections == 2


async def test_an_idle_connection_is_closed() -> None:
    async with listening(LineServer()) as server:
        plugin = ("tcp-log", config(server.port, keepalive=0))
        async with policy_gateway(plugin) as gateway:
            await gateway.ask("/1")
            await until(lambda: server.uris == ["/1"])
            await until(lambda: server.writers[0].is_closing())


async def test_a_server_that_is_away_gets_everything_when_it_is_back() -> None:
    (port,) = free_ports(1)
    sinks = LogSinks()
    async with policy_gateway(("tcp-log", config(port)), logs=sinks) as gateway:
        for place in range(5):
            assert (await gateway.ask(f"/{place}")).status == 200
        assert sinks.counts.report() == {"sent": {}, "dropped": {}}
        async with listening(LineServer(), port) as server:
            await until(lambda: len(server.lines) == 5)
            assert server.uris == [f"/{place}" for place in range(5)]
            await until(lambda: sinks.counts.report()["sent"] == {"tcp-log": 5})
    await sinks.close(1)


async def test_a_server_that_does_not_read_holds_no_request_up() -> None:
    sinks = LogSinks()
    async with listening(LineServer()) as server:
        server.reads.clear()
        plugin = ("tcp-log", config(server.port, timeout=200))
        async with policy_gateway(plugin, logs=sinks) as gateway:
            for _ in range(40):
                assert (await gateway.ask(f"/{'x' * 4000}")).status == 200
            server.reads.set()
            await until(lambda: sinks.counts.report()["sent"] == {"tcp-log": 40})
    await sinks.close(1)


@pytest.mark.parametrize(("name", "works"), [("localhost", True), ("other.test", False)])
async def test_tls_asks_for_a_server_name_and_verifies_it(
    tmp_path: Path, name: str, works: bool
) -> None:
    context, ca = server_tls(tmp_path)
    server = LineServer()
    context.sni_callback = lambda _, asked, __: server.names.append(asked)
    sinks = LogSinks()
    async with listening(server, tls=context):
        plugin = ("tcp-log", config(server.port, tls=True, ssl_verify=True, tls_sni=name))
        async with policy_gateway(plugin, trusted_ca=ca, logs=sinks) as gateway:
            await gateway.ask("/1")
            await until(lambda: server.names)
            assert server.names[0] == name
            if works:
                await until(lambda: server.uris == ["/1"])
            else:
                assert server.lines == []
        await sinks.close(0.1)


async def test_without_verifying_any_certificate_will_do(tmp_path: Path) -> None:
    context, _ = server_tls(tmp_path)
    async with listening(LineServer(), tls=context) as server:
        plugin = ("tcp-log", config(server.port, tls=True, ssl_verify=False))
        async with policy_gateway(plugin) as gateway:
            await gateway.ask("/1")
            await until(lambda: server.uris == ["/1"])
