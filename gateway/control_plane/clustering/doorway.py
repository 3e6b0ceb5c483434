# SPDX-License-Identifier: Apache-2.0
"""The way in to the cluster listener: strangers are few, and have little time to show who they are.

A stranger is a connection whose TLS handshake, and with it the check of its certificate, is not
over. Anybody who reaches the port can be one, so they must not keep data planes out.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from gateway.logs import get_logger

STRANGERS = 256
"""Most that are in their handshake; one more costs the address with the most its oldest."""
_PAUSE = 0.5
"""Seconds until the next try when a connection cannot be accepted (no descriptors left)."""

_log = get_logger("gateway.control_plane.clustering")

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Doorway:
    """Accepts connections, leads each through its handshake, and hands it to ``serve``.

    ``handshake`` and ``shutdown`` are the seconds that TLS has for either.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        serve: Serve,
        handshake: float,
        shutdown: float,
        limit: int = STRANGERS,
    ) -> None:
        self._context = context
        self._serve = serve
        self._handshake = handshake
        self._shutdown = shutdown
        self._limit = limit
        self._sockets: list[socket.socket] = []
        self._strangers: dict[asyncio.Task[None], str] = {}
        """Address of each, the oldest first."""
        self._inside: set[asyncio.Task[None]] = set()

    def open(self, sockets: Sequence[socket.socket]) -> None:
        """Accept connections on sockets that listen already."""
        self._sockets = list(sockets)
        for sock in self._sockets:
            sock.setblocking(False)
            self._listen(sock)

    def close(self) -> None:
        """Accept no more, and send strangers away. Those inside stay."""
        for task in self._strangers:
            task.cancel()
        for sock in self._sockets:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()
        self._sockets.clear()

    async def end(self) -> None:
        """End all connections, and wait until they are gone."""
        tasks = [*self._strangers, *self._inside]
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
            _log.error("cannot accept data planes", reason=str(error))
            loop = asyncio.get_running_loop()
            loop.remove_reader(sock)
            loop.call_later(_PAUSE, self._listen, sock)
            return
        connection.setblocking(False)
        if len(self._strangers) >= self._limit:
            self._displace()
        task = asyncio.create_task(self._enter(connection))
        self._strangers[task] = str(address[0])
        task.add_done_callback(partial(self._left, connection))

    def _displace(self) -> None:
        """Cut off the oldest stranger of the address that has the most of them."""
        ((busiest, _),) = Counter(self._strangers.values()).most_common(1)
        oldest = next(task for task, address in self._strangers.items() if address == busiest)
        del self._strangers[oldest]
        oldest.cancel()

    async def _enter(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport: Any
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=self._handshake,
                ssl_shutdown_timeout=self._shutdown,
            )
        except OSError as error:  # ssl.SSLError and time-outs are of its kind
            _log.debug("TLS handshake failed", reason=str(error))
            return
        finally:
            task = asyncio.current_task()
            assert task is not None
            self._strangers.pop(task, None)
        self._inside.add(task)
        await self._serve(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    def _left(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        connection.close()  # nobody else does when the task was ended before it began
        self._strangers.pop(task, None)
        self._inside.discard(task)
