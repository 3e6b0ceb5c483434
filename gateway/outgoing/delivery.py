# SPDX-License-Identifier: Apache-2.0
"""Delivering bodies, of which only the response's status matters: what sinks of logs are sent.

Far less than a client for everything, and so at a tenth of its price: a batch of entries every few
milliseconds is what a busy worker sends. Connections are kept, those without work for a while.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import NamedTuple
from weakref import WeakValueDictionary

import httptools

from gateway import __version__
from gateway.http.headers import Headers
from gateway.outgoing.connection import ConnectionKey, OutgoingConnection
from gateway.outgoing.pool import Pool

CONNECTIONS = 64
"""Open connections to one place, and how many requests are under way there; others wait."""
CONNECT = 5.0
"""Seconds for making a connection, at most."""
_IDLE = 15.0
"""Seconds without work after which a connection is closed."""
_FOREVER = float("inf")
"""The caller has the deadline: it is one for connecting, sending and the response."""
_SCHEMES = ("http", "https")
_OWN = (("Accept", "*/*"), ("User-Agent", f"kafka-gateway/{__version__}"))


class Deliveries:
    """Keeps the connections; on one event loop."""

    def __init__(self) -> None:
        self._pool = Pool(CONNECTIONS, _IDLE)
        self._places: WeakValueDictionary[ConnectionKey, asyncio.Semaphore] = WeakValueDictionary()

    async def send(self, address: ConnectionKey, head: bytes, body: bytes, largest: int) -> int:
        """Send a request, whose head has all but the body's length; return the response's status.

        ``largest``: bytes of the response's body that are taken at most. Raises ``OSError`` and
        ``ValueError``. Sent again where a server closed an idle connection just as the request
        went out.
        """
        place = self._places.get(address)
        if place is None:
            place = self._places[address] = asyncio.Semaphore(CONNECTIONS)
        request = b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
        async with place:
            connection = self._pool.take(address)
            if connection is not None:
                try:
                    return await _status(connection, request, largest)
                except OSError:
                    if not connection.silent:
                        raise
            return await _status(await self._connect(address), request, largest)

    def close(self) -> None:
        """Close the connections without work; those with some end with it."""
        self._pool.close()

    async def _connect(self, address: ConnectionKey) -> OutgoingConnection:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT):
            _, made = await loop.create_connection(
                lambda: OutgoingConnection(
                    address, loop, on_idle=self._returned, on_gone=self._pool.forget
                ),
                address.host,
                address.port,
                ssl=address.tls,
                server_hostname=None if address.tls is None else address.host,
            )
        return made

    def _returned(self, connection: OutgoingConnection) -> None:
        if not connection.transport.get_write_buffer_size():
            self._pool.give(connection)


class _Response:
    """A ``Reader`` that keeps nothing of a response but its status."""

    __slots__ = ("_connection", "_found", "_left", "_most", "status")
    bodyless = False
    upgrade: bytes | None = None

    def __init__(self, connection: OutgoingConnection, largest: int) -> None:
        self.status: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """There once the response is whole."""
        self._connection = connection
        self._found = 0
        self._left = self._most = largest

    def on_head(self, status: int, headers: Headers) -> None:
        self._found = status

    def on_whole(self, status: int, headers: Headers, body: bytes) -> None:
        self._found = status
        self.on_piece(body)
        self.on_end()

    def on_piece(self, piece: bytes) -> None:
        self._left -= len(piece)

    def on_end(self) -> None:
        if self._connection.transport.get_write_buffer_size():
            # A response may come before the end of the request: the rest of that is in the way.
            self._connection.abort()
        if self._left < 0:
            self._refuse()
        elif not self.status.done():
            self.status.set_result(self._found)

    def received(self) -> None:
        if self._left < 0:
            self._connection.abort()
            self._refuse()

    def on_switch(self, headers: Headers, transport: asyncio.Transport, rest: bytes) -> None:
        """Never called, since no other protocol is asked for."""

    def on_failure(self, error: Exception) -> None:
        if isinstance(error, httptools.HttpParserError):
            error = ValueError(f"the response is no HTTP: {error}")
        if not self.status.done():
            self.status.set_exception(error)

    def _refuse(self) -> None:
        self.on_failure(ValueError(f"the response is larger than {self._most} bytes"))


async def _status(connection: OutgoingConnection, request: bytes, largest: int) -> int:
    """Send a request and return the status of its response, once that is whole."""
    response = _Response(connection, largest)
    connection.send(response, request, _FOREVER)
    try:
        return await response.status
    except asyncio.CancelledError:
        # Else the response is here, and the connection another's already.
        if response.status.cancelled():
            connection.abort()
        raise


class Prepared(NamedTuple):
    """A request but for its body: where it goes, and its head without the body's length."""

    scheme: str
    host: str
    port: int
    head: bytes


@lru_cache(maxsize=256)
def prepared(
    url: str, method: str, headers: tuple[tuple[str, str], ...], encoded: bool
) -> Prepared | None:
    """Return what is sent to a URL; None where that takes a client for everything.

    Raises ``ValueError`` for a URL that is none, and for headers that would become several.
    """
    # Imported late: most workers never need it.
    from yarl import URL

    parts = URL(url, encoded=encoded)
    host, port = parts.raw_host, parts.port
    if parts.scheme not in _SCHEMES or not host or port is None or parts.raw_user is not None:
        return None
    lines = [f"{method} {parts.raw_path_qs} HTTP/1.1", f"Host: {parts.host_port_subcomponent}"]
    lines += [f"{name}: {value}" for name, value in (*_OWN, *headers)]
    if any(character in line for line in lines for character in "\r\n\0"):
        raise ValueError("a header must not have several lines")
    return Prepared(parts.scheme, host, port, ("\r\n".join(lines) + "\r\n").encode())
