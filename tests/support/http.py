# SPDX-License-Identifier: Apache-2.0
"""A running server on loopback, and a client that writes and reads raw bytes."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import uvloop

from gateway.http.clock import Clock
from gateway.http.context import Context
from gateway.http.heads import HeadWriter
from gateway.http.limits import Limits
from gateway.http.messages import Pending, Request, Response
from gateway.http.protocol import HttpProtocol
from gateway.http.server import Listener, Server
from tests.support.waiting import PATIENCE

Handle = Callable[[Request], Response | Pending]


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a test on uvloop, with a deadline."""

    async def bounded() -> None:
        await asyncio.wait_for(coroutine, PATIENCE)

    uvloop.run(bounded())


class App:
    """An application made of one function; remembers what was finished."""

    def __init__(
        self,
        handle: Handle | None = None,
        body: int = 1 << 20,
        begin: Callable[[Request], int | Response] | None = None,
    ) -> None:
        self._handle = handle or (lambda request: text(200, request.body or b"ok"))
        self._body = body
        self._begin = begin
        self.seen: list[Request] = []
        self.done: list[tuple[Request, int, int]] = []

    def begin(self, request: Request) -> int | Response:
        if self._begin is not None:
            return self._begin(request)
        return self._body

    def handle(self, request: Request) -> Response | Pending:
        self.seen.append(request)
        return self._handle(request)

    def finished(self, request: Request, response: Response, written: int) -> None:
        self.done.append((request, response.status, written))


def text(status: int, body: bytes) -> Response:
    """Return a plain response."""
    return Response(status, [(b"Content-Type", b"text/plain")], body)


@dataclass
class ReceivedResponse:
    """One parsed response; header names lower-case, the last value wins."""

    status: int
    headers: dict[str, str]
    body: bytes
    head: bytes


class Wire:
    """A client connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def stop_reading(self) -> None:
        """Take no more bytes from the server."""
        cast(asyncio.Transport, self.writer.transport).pause_reading()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> tuple[int, dict[str, str], bytes]:
        raw = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE)
        lines = raw[:-4].split(b"\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.decode("latin-1").partition(": ")
            headers[name.lower()] = value
        return int(lines[0].split()[1]), headers, raw

    async def response(self, *, bodyless: bool = False) -> ReceivedResponse:
        status, headers, raw = await self.head()
        body = b""
        if bodyless or status < 200 or status in (204, 304):
            pass
        elif headers.get("transfer-encoding") == "chunked":
            body = await self._chunked()
        elif "content-length" in headers:
            body = await asyncio.wait_for(
                self.reader.readexactly(int(headers["content-length"])), PATIENCE
            )
        else:
            body = await self.rest()
        return ReceivedResponse(status, headers, body, raw)

    async def _chunked(self) -> bytes:
        body = b""
        while True:
            line = await asyncio.wait_for(self.reader.readuntil(b"\r\n"), PATIENCE)
            size = int(line, 16)
            piece = await asyncio.wait_for(self.reader.readexactly(size + 2), PATIENCE)
            if not size:
                return body
            body += piece[:-2]

    async def ask(self, data: bytes, *, bodyless: bool = False) -> ReceivedResponse:
        await self.send(data)
        return await self.response(bodyless=bodyless)

    async def rest(self) -> bytes:
        """Read until the server closes; a reset ends it as well."""
        data = b""
        try:
            while piece := await asyncio.wait_for(self.reader.read(65536), PATIENCE):
                data += piece
        except ConnectionResetError:
            pass
        return data

    def reset(self) -> None:
        """Cut the connection with a RST: a plain close would look like the end of the requests."""
        plug = self.writer.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.transport.abort()
        with suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()


@dataclass
class Running:
    """A server under test."""

    server: Server
    port: int
    wires: list[Wire] = field(default_factory=list)

    async def connect(self, tls: ssl.SSLContext | None = None, name: str | None = None) -> Wire:
        pair = await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=tls, server_hostname=name if tls else None
        )
        self.wires.append(Wire(*pair))
        return self.wires[-1]

    async def once(self, data: bytes) -> ReceivedResponse:
        wire = await self.connect()
        try:
            return await wire.ask(data)
        finally:
            await wire.close()


@asynccontextmanager
async def serving(
    app: Any,
    limits: Limits | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    named: bool = False,
    **options: Any,
) -> AsyncIterator[Running]:
    """Serve an application on a free port."""
    bound = socket.create_server(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    server = Server(app, limits, **options)
    await server.start([Listener(bound, tls, named)])
    running = Running(server, port)
    try:
        yield running
    finally:
        for wire in running.wires:
            await wire.close()
        await server.drain(0.2)


async def until(condition: Callable[[], object], within: float = PATIENCE) -> None:
    """Wait for a condition on the event loop."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while not condition():
        assert loop.time() < deadline, f"{condition} did not hold within {within} s"
        await asyncio.sleep(0.005)


async def passing(seconds: float) -> None:
    """Let time go by, in which nothing may happen, or between pieces that must not come as one."""
    await asyncio.sleep(seconds)


async def standing_still(number: Callable[[], int], seconds: float = 0.15) -> int:
    """Wait until a number has not grown for a while; return it."""
    last = -1
    while (now := number()) != last:
        last = now
        await asyncio.sleep(seconds)
    return now


def get(path: bytes = b"/", *lines: bytes) -> bytes:
    """Return a GET request."""
    return b"\r\n".join((b"GET %b HTTP/1.1" % path, b"Host: a", *lines, b"", b""))


def post(body: bytes, *lines: bytes, path: bytes = b"/") -> bytes:
    """Return a POST request with a Content-Length."""
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join((b"POST %b HTTP/1.1" % path, b"Host: a", length, *lines, b"", body))


def chunked(*pieces: bytes, path: bytes = b"/") -> bytes:
    """Return a POST request with a chunked body."""
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" % path
    return head + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


class Plug(asyncio.Transport):
    """A transport without a network: remembers what was written and whether it was closed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.closed = False
        self.reading = True
        self._written: list[bytes] = []

    @property
    def written(self) -> bytes:
        """All that was written."""
        return b"".join(self._written)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._written.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.closed = True

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


def plugged(
    app: Any, loop: asyncio.AbstractEventLoop, limits: Limits | None = None
) -> tuple[HttpProtocol, Plug]:
    """Return a connection to feed by hand, and its transport."""
    context = Context(app, limits or Limits(), HeadWriter(Clock()), loop)
    protocol = HttpProtocol(context)
    plug = Plug()
    protocol.connection_made(plug)
    return protocol, plug
