# SPDX-License-Identifier: Apache-2.0
"""The way in to a listener with TLS or the PROXY protocol: few are under way, for a short time.

A handshake includes the check of a client certificate, if one is asked for. Every client that
reaches the port can begin one, so they must neither use up the process's descriptors nor keep
other clients out. The same goes for headers of the PROXY protocol that do not come.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from gateway.errors import ProxyHeaderRefused
from gateway.http.proxy_protocol import read_header
from gateway.logs import get_logger

HANDSHAKES = 256
"""Most that are under way; one more ends the oldest of the address with the most."""
_PAUSE = 0.5
"""Seconds until the next try when a connection cannot be accepted (no descriptors left)."""

_log = get_logger("gateway.http")


class Doorway:
    """Accepts connections, and leads each through its handshake to a protocol from ``factory``.

    ``handshake`` and ``shutdown`` are the seconds that TLS has for either; without ``context``
    there is none. With ``named``, a PROXY protocol header comes first, within ``handshake`` seconds
    as well, and ``factory`` is given the client that it names.
    """

    def __init__(
        self,
        context: ssl.SSLContext | None,
        factory: Callable[..., asyncio.Protocol],
        handshake: float,
        shutdown: float | None = None,
        limit: int = HANDSHAKES,
        *,
        named: bool = False,
    ) -> None:
        self._context = context
        self._factory = factory
        self._timeout = handshake
        self._shutdown = shutdown
        self._limit = limit
        self._named = named
        self._sockets: list[socket.socket] = []
        self._handshakes: dict[asyncio.Task[bool], str] = {}
        """Address of each, the oldest first."""

    def open(self, sockets: Sequence[socket.socket]) -> None:
        """Accept connections on sockets that listen already."""
        self._sockets = list(sockets)
        for sock in self._sockets:
            sock.setblocking(False)
            self._listen(sock)

    def close(self) -> None:
        """Accept no more. Connections stay, and handshakes under way may still end well."""
        for sock in self._sockets:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
        self._sockets.clear()

    async def end(self) -> None:
        """End handshakes under way, and wait until they have ended."""
        tasks = list(self._handshakes)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _listen(self, sock: socket.socket) -> None:
        if sock in self._sockets:
            asyncio.get_running_loop().add_reader(sock, self._accept, sock)

    def _accept(self, sock: socket.socket) -> None:
        try:
            connection, address = sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            _log.error("cannot accept connections", reason=str(error))
            loop = asyncio.get_running_loop()
            loop.remove_reader(sock)
            loop.call_later(_PAUSE, self._listen, sock)
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self._handshakes) >= self._limit:
            self._displace()
        task = asyncio.create_task(self._enter(connection))
        self._handshakes[task] = str(address[0])
        task.add_done_callback(partial(self._left, connection))

    def _displace(self) -> None:
        """End the oldest handshake of the address that has the most of them."""
        ((busiest, _),) = Counter(self._handshakes.values()).most_common(1)
        oldest = next(task for task, address in self._handshakes.items() if address == busiest)
        del self._handshakes[oldest]
        oldest.cancel()

    async def _enter(self, connection: socket.socket) -> bool:
        """Return whether the connection came in, and so is its protocol's."""
        factory = self._factory
        if self._named:
            try:
                async with asyncio.timeout(self._timeout):
                    factory = partial(factory, await read_header(connection))
            except (OSError, ProxyHeaderRefused) as error:
                if str(error) or isinstance(error, TimeoutError):
                    reason = str(error) or f"none within {self._timeout} s"
                    _log.info("PROXY protocol header refused", reason=reason)
                return False
        tls = {} if self._context is None else self._handshake_options()
        try:
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(factory, connection, **tls)
        except OSError as error:  # ssl.SSLError and time-outs are of its kind
            _log.debug("TLS handshake failed", reason=str(error))
            return False
        return True

    def _handshake_options(self) -> dict[str, Any]:
        return {
            "ssl": self._context,
            "ssl_handshake_timeout": self._timeout,
            "ssl_shutdown_timeout": self._shutdown,
        }

    def _left(self, connection: socket.socket, task: asyncio.Task[bool]) -> None:
        self._handshakes.pop(task, None)
        if task.cancelled() or not task.result():
            connection.close()  # asyncio does not when the task was ended before it began
