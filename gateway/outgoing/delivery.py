# SPDX-License-Identifier: Apache-2.0
"""Delivering bodies, of which only the response's status matters: what sinks of logs are sent.

Far less than a client for everything, and so at a tenth of its price: a batch of entries every few
milliseconds is what a busy worker sends. Connections are kept, those without work for a while.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from typing import NamedTuple

import httptools

from gateway import __version__

CONNECTIONS = 64
"""Open connections to one place, and how many requests are under way there; others wait."""
CONNECT = 5.0
"""Seconds for making a connection, at most."""
_IDLE = 15.0
"""Seconds without work after which a connection is not used any more."""
_FINAL = 200
_CLOSED = "the connection was closed"
_SCHEMES = ("http", "https")
_OWN = (("Accept", "*/*"), ("User-Agent", f"kafka-gateway/{__version__}"))


class DeliveryAddress(NamedTuple):
    """Where connections lead, and their TLS; those to equal ones do for each other's requests."""

    host: str
    port: int
    tls: ssl.SSLContext | None


class Deliveries:
    """Keeps the connections; on one event loop."""

    def __init__(self) -> None:
        self._places: dict[DeliveryAddress, _Pool] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def send(self, address: DeliveryAddress, head: bytes, body: bytes, largest: int) -> int:
        """Send a request, whose head has all but the body's length; return the response's status.

        ``largest``: bytes of the response's body that are taken at most. Raises ``OSError``. Sent
        again where a server closed an idle connection just as the request went out.
        """
        place = self._places.get(address)
        if place is None:
            place = self._places[address] = _Pool(address)
        await place.enter()
        connection = None
        try:
            connection = place.idle_one()
            try:
                if connection is None:
                    connection = await _connect(address)
                status = await connection.send(head, body, largest)
            except OSError:
                if not connection or not connection.ended_idle:
                    raise
                connection = await _connect(address)
                status = await connection.send(head, body, largest)
            if connection.reusable and self._places.get(address) is place:
                place.idle.append(connection)
                connection = None
                if self._sweep is None:
                    self._sweep = asyncio.get_running_loop().call_later(_IDLE, self._close_idle)
            return status
        finally:
            if connection is not None:
                connection.close()
            place.leave()

    def close(self) -> None:
        """Close the connections without work; those with some end with it."""
        places, self._places = self._places, {}
        for place in places.values():
            place.close_idle(float("inf"))
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def _close_idle(self) -> None:
        self._sweep = None
        left = 0
        for address, place in list(self._places.items()):
            left += place.close_idle(monotonic() - _IDLE)
            if place.unused:
                del self._places[address]
        if left:
            self._sweep = asyncio.get_running_loop().call_later(_IDLE, self._close_idle)


@dataclass
class _Pool:
    """One address: its connections without work, and who waits for one."""

    address: DeliveryAddress
    idle: list[_Connection] = field(default_factory=list)
    busy: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    @property
    def unused(self) -> bool:
        return not (self.busy or self.idle or self.waiting)

    async def enter(self) -> None:
        """Wait until one more request may be under way."""
        if self.busy < CONNECTIONS:
            self.busy += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self.waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place of a request to the next one."""
        while self.waiting:
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.busy -= 1

    def idle_one(self) -> _Connection | None:
        """Return a connection that can be used, the one used last."""
        while self.idle:
            found = self.idle.pop()
            if found.reusable and found.since > monotonic() - _IDLE:
                return found
            found.close()
        return None

    def close_idle(self, until: float) -> int:
        """Close those that have had no work since before then; return how many are left."""
        kept = [one for one in self.idle if one.reusable and one.since > until]
        for one in self.idle:
            if one not in kept:
                one.close()
        self.idle = kept
        return len(kept)


class _Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self.reusable = False
        """It is open, and the last response was whole."""
        self.since = 0.0
        """When it had work last."""
        self.ended_idle = False
        """It was used before, and was closed without a byte of a response to the last request."""
        self._transport: asyncio.Transport | None = None
        self._result: asyncio.Future[int] | None = None
        """Of the request that is under way."""
        self._parser = httptools.HttpResponseParser(self)
        self._status = self._left = self._largest = 0
        self._silent = True
        self._until_close = False

    async def send(self, head: bytes, body: bytes, largest: int) -> int:
        """Send a request and return the status of its response, once that is whole."""
        transport = self._transport
        if transport is None or transport.is_closing():
            self.ended_idle = self.since > 0
            raise ConnectionResetError(_CLOSED)
        self.reusable = self._until_close = False
        self._left = self._largest = largest
        self._silent = True
        self._result = result = asyncio.get_running_loop().create_future()
        transport.writelines((b"%bContent-Length: %d\r\n\r\n" % (head, len(body)), body))
        status: int = await result
        # A response may come before the end of the request: the rest of that is in the way then.
        self.reusable = self.reusable and not transport.get_write_buffer_size()
        self.since = monotonic()
        return status

    def close(self) -> None:
        """Close at once, whatever is under way."""
        self.reusable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # that of a stream

    def data_received(self, data: bytes) -> None:
        if self._result is None:
            # Nobody asked.
            self.close()
            return
        self._silent = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(ConnectionError("the response is another protocol"))
        except httptools.HttpParserError as error:
            self._fail(ConnectionError(f"the response is no HTTP: {error}"))

    def connection_lost(self, error: Exception | None) -> None:
        self.reusable = False
        self._transport = None
        if self._until_close:
            self._settle(whole=False)
        self.ended_idle = self._silent and self.since > 0
        self._fail(error or ConnectionResetError(_CLOSED))

    # --- what the parser calls ---------------------------------------------------------------

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        # Without a length or chunks the body ends with the connection (RFC 9112 section 6.3).
        self._until_close = self._status >= _FINAL and not self._parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._left < 0:
            self._fail(ConnectionError(f"the response is larger than {self._largest} bytes"))

    def on_message_complete(self) -> None:
        # Before that come 100 (Continue) and 103 (Early Hints).
        if self._status >= _FINAL:
            self._settle(whole=self._parser.should_keep_alive())

    def _settle(self, *, whole: bool) -> None:
        """Hand over the status; more than one response to a request are one too many."""
        self.reusable = whole and self._result is not None
        result, self._result = self._result, None
        if result is not None and not result.done():
            result.set_result(self._status)

    def _fail(self, error: Exception) -> None:
        result, self._result = self._result, None
        if result is not None and not result.done():
            result.set_exception(error)


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


async def _connect(address: DeliveryAddress) -> _Connection:
    loop = asyncio.get_running_loop()
    host, port, tls = address
    name = None if tls is None else host
    async with asyncio.timeout(CONNECT):
        _, made = await loop.create_connection(
            _Connection, host, port, ssl=tls, server_hostname=name
        )
    return made
