# SPDX-License-Identifier: Apache-2.0
"""The HTTP server of one worker: listening, sweeping for timeouts, draining."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from gateway.http.application import Application
from gateway.http.clock import Clock
from gateway.http.context import Context
from gateway.http.doorway import Doorway
from gateway.http.forwarded import TrustedProxies
from gateway.http.generated_responses import TEXT
from gateway.http.heads import HeadWriter
from gateway.http.limits import Limits
from gateway.http.protocol import HttpProtocol
from gateway.settings.shown_headers import DEFAULT_WORDS

_SWEEP = 0.5
"""Most seconds between two looks at all connections: the precision of every timeout."""
_DRAIN_POLL = 0.02
_BACKLOG = 4096
"""Connections that the kernel keeps until they are accepted."""


@dataclass(frozen=True)
class Listener:
    """A bound socket, and the TLS context when it speaks https.

    ``named``: each connection begins with a PROXY protocol header.
    """

    socket: socket.socket
    tls: ssl.SSLContext | None = None
    named: bool = False


class Server:
    """Serves one application on any number of listeners, on the running event loop.

    ``headers`` is the setting of that name; ``default_type`` the
    Content-Type of refusals before routing (setting ``error_default_type``).
    """

    def __init__(
        self,
        application: Application,
        limits: Limits | None = None,
        *,
        headers: Iterable[str] = DEFAULT_WORDS,
        trusted: TrustedProxies | None = None,
        default_type: bytes = TEXT,
    ) -> None:
        self._application = application
        self._limits = limits or Limits()
        self._heads = HeadWriter(Clock(), headers)
        self._trusted = trusted
        self._default_type = default_type
        self._servers: list[asyncio.Server | Doorway] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._context: Context | None = None
        self._pause = _SWEEP

    async def start(self, listeners: Sequence[Listener]) -> None:
        """Accept connections on the listeners."""
        loop = asyncio.get_running_loop()
        context = self._context = Context(
            self._application,
            self._limits,
            self._heads,
            loop,
            self._trusted,
            self._default_type,
        )
        for listener in listeners:
            self._servers.append(await self._open(listener, partial(HttpProtocol, context)))
        shortest = min(
            self._limits.header_timeout,
            self._limits.body_timeout,
            self._limits.write_timeout,
            self._limits.idle_timeout,
            self._limits.linger,
        )
        self._pause = min(_SWEEP, shortest / 4)
        self._sweeper = loop.call_later(self._pause, self._sweep)

    async def _open(
        self, listener: Listener, factory: Callable[..., HttpProtocol]
    ) -> asyncio.Server | Doorway:
        if listener.tls is None and not listener.named:
            loop = asyncio.get_running_loop()
            return await loop.create_server(factory, sock=listener.socket, backlog=_BACKLOG)
        # The loop's own server counts and ends no connection before the handshake is over.
        limits = self._limits
        doorway = Doorway(
            listener.tls,
            factory,
            limits.header_timeout,
            limit=limits.max_connections,
            named=listener.named,
        )
        listener.socket.listen(_BACKLOG)
        doorway.open([listener.socket])
        return doorway

    @property
    def connections(self) -> int:
        """Connections that are open."""
        return len(self._context.connections) if self._context else 0

    @property
    def accepted(self) -> int:
        """Connections ever accepted."""
        return self._context.accepted if self._context else 0

    @property
    def refused(self) -> int:
        """Connections refused because too many were open."""
        return self._context.refused if self._context else 0

    def part(self, parting: bool) -> None:
        """Close each connection with its next response, or keep them again.

        For the time in which a load balancer still sends requests to a node that will end: a
        connection that is told to close (RFC 9112 section 9.6) loses no request, while one that is
        idle and just closed may lose the one that crosses.
        """
        if self._context is not None:
            self._context.parting = parting
            self._context.heads.part(parting)

    async def drain(self, timeout: float) -> bool:  # noqa: ASYNC109  # ends by itself, cuts the rest
        """Stop accepting, finish what is under way, close; after ``timeout`` seconds cut the rest.

        Returns whether everything under way got its response.
        """
        context = self._context
        if context is None:
            return True
        self.part(True)
        context.draining = True
        for server in self._servers:
            server.close()
        for connection in list(context.connections):
            connection.drain()
        deadline = context.loop.time() + timeout
        while context.connections and context.loop.time() < deadline:  # noqa: ASYNC110  # rare
            await asyncio.sleep(_DRAIN_POLL)
        left = list(context.connections)
        for connection in left:
            connection.transport.abort()
        for server in self._servers:
            if isinstance(server, Doorway):
                await server.end()
        if self._sweeper is not None:
            self._sweeper.cancel()
        # Let the aborted transports run their callbacks before the loop may end.
        await asyncio.sleep(0)
        return not left

    def _sweep(self) -> None:
        context = self._context
        assert context is not None
        context.heads.tick()
        now = context.clock.now
        for connection in list(context.connections):
            connection.check(now)
        self._sweeper = context.loop.call_later(self._pause, self._sweep)
