# SPDX-License-Identifier: Apache-2.0
"""Upstreams that behave as told, and a gateway that only proxies to them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from gateway.http.application import STREAM
from gateway.http.messages import Pending, Request, Response
from gateway.proxy.proxy import Proxy
from gateway.proxy.tls import UpstreamTls
from gateway.proxy.upstream import ProxyUpstream
from tests.support.http import Running, Wire, serving
from tests.support.waiting import PATIENCE

Script = Callable[[Wire], Awaitable[None]]

BAD_GATEWAY = b"An invalid response was received from the upstream server\n"
"""The body of a 502 for a client that accepts anything."""


class Scripted:
    """A listening upstream; ``connections`` counts how often it was connected to."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0


@asynccontextmanager
async def upstream(script: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Scripted]:
    """Run ``script`` for each connection."""
    scripted = Scripted()
    wires: list[Wire] = []
    tasks: list[asyncio.Task[Any]] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        scripted.connections += 1
        wires.append(Wire(reader, writer))
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        try:
            await script(wires[-1])
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    scripted.port = server.sockets[0].getsockname()[1]
    try:
        yield scripted
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for wire in wires:
            await wire.close()


async def take(wire: Wire) -> tuple[bytes, bytes]:
    """Read one request with a Content-Length or chunked; return head and body."""
    head = await asyncio.wait_for(wire.reader.readuntil(b"\r\n\r\n"), PATIENCE)
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        if name.lower() == b"content-length":
            length = int(value)
        elif name.lower() == b"transfer-encoding":
            return head, await wire._chunked()
    return head, await wire.reader.readexactly(length)


def answering(response: bytes, seen: list[tuple[bytes, bytes]] | None = None) -> Script:
    """Send the same bytes for every request of a connection."""

    async def script(wire: Wire) -> None:
        while True:
            request = await take(wire)
            if seen is not None:
                seen.append(request)
            await wire.send(response)

    return script


def ok(body: bytes = b"hi", *lines: bytes) -> bytes:
    """Return a 200 with a Content-Length."""
    head = b"\r\n".join((b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *lines))
    return head + b"\r\n\r\n" + body


class StandInMatch:
    """What the proxy needs of a match."""

    def __init__(self, path: bytes, prefix: bytes | None) -> None:
        self.upstream_path = path
        self.prefix = prefix


class ProxyApp:
    """Sends every request to one upstream under the path it came with."""

    def __init__(
        self,
        port: int,
        *,
        stream: bool = False,
        host: str = "127.0.0.1",
        prefix: bytes | None = None,
        route: dict[str, Any] | None = None,
        tls: UpstreamTls | None = None,
        proxy: Proxy | None = None,
        **service: Any,
    ) -> None:
        self.proxy = proxy or Proxy(asyncio.get_running_loop())
        self._stream = stream
        self._prefix = prefix
        row = {"protocol": "http", "host": host, "port": port, "retries": 0, **service}
        self.upstream: ProxyUpstream = self.proxy.upstream(route or {}, row, tls or UpstreamTls())
        self.begun: list[Request] = []
        self.done: list[tuple[Request, int]] = []

    def begin(self, request: Request) -> int | Response:
        match: Any = StandInMatch(request.path, self._prefix)
        request.match = match
        self.begun.append(request)
        return STREAM if self._stream else 1 << 20

    def handle(self, request: Request) -> Pending:
        return self.proxy.forward(self.upstream, request)

    def finished(self, request: Request, response: Response, written: int) -> None:
        self.done.append((request, response.status))


@asynccontextmanager
async def proxying(app: ProxyApp, **options: Any) -> AsyncIterator[Running]:
    """Serve a ``ProxyApp``."""
    try:
        async with serving(app, **options) as running:
            yield running
    finally:
        app.proxy.close()
        # Closed transports tell their protocols in the next round of the loop.
        await asyncio.sleep(0)
