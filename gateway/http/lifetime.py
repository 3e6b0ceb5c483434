# SPDX-License-Identifier: Apache-2.0
"""How a connection begins and ends, and what is too slow."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from gateway.errors import ProtocolError
from gateway.http.bodies import HANDSHAKE, UNWRITTEN, Bodies
from gateway.http.context import Context
from gateway.http.incoming import Incoming
from gateway.http.messages import ConnectionUpgrade, Request, Response

if TYPE_CHECKING:
    from gateway.http.protocol import HttpProtocol

_CLIENT_CLOSED = "the client closed the connection before its request was complete"


class Lifetime(Bodies):
    """The layer of ``HttpProtocol`` above bodies: transport callbacks but for the data."""

    __slots__ = ("_input",)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._input = b""
        """Received, but not read yet: a head that is not whole, or reading is paused."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or turn it away when there are too many."""
        self.transport = cast(asyncio.Transport, transport)
        context = self.context
        self._since = context.clock.now
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self.peer = (peer[0], peer[1])
        here = transport.get_extra_info("sockname")
        if isinstance(here, tuple):
            self.here, self.server_port = here[0], here[1]
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self.scheme = "https"
            self.sni = getattr(tls, "sni", None)
        self.trusted = context.trusted.trusts(self.peer[0])
        context.accepted += 1
        context.connections.add(cast("HttpProtocol", self))
        if len(context.connections) > context.limits.max_connections:
            context.refused += 1
            if not (context.limits.displace and self._displace()):
                self.refuse(503, "Too many connections")
                self._flush()

    @property
    def waits_for_client(self) -> bool:
        """Nothing is under way but what the client is to send."""
        return self._current is None and not self._waiting

    def _displace(self) -> bool:
        """End the connection that has waited longest for its client; False when none waits."""
        idle = [
            other
            for other in self.context.connections
            if other is not self and other.waits_for_client and not other.transport.is_closing()
        ]
        if not idle:
            return False
        # Whoever has asked something before is spared for those who have not.
        min(idle, key=lambda other: (other.has_asked, other._since)).transport.abort()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop everything that works for this client."""
        self.context.connections.discard(cast("HttpProtocol", self))
        incoming, self._incoming = self._incoming, None
        self._abandon()
        if incoming is not None and incoming.channel is not None:
            incoming.channel.fail(ProtocolError(400, _CLIENT_CLOSED))
        self._input = b""

    def eof_received(self) -> bool:
        """The client sends no more; keep the socket while it still awaits an answer.

        A request that it broke off is dropped, and takes none of those before it along.
        """
        if self._closing or self.scheme == "https" or self._current is None:
            return False
        if self._incoming is not None and self._incoming.channel is not None:
            return False
        self._incoming = None
        self._input = b""
        self._deaf = True
        return True

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read its answers."""
        super().pause_writing()
        self.pause(UNWRITTEN)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self.resume(UNWRITTEN)

    def _await_answer(self, request: Request, outcome: int | Response, rest: bytes) -> None:
        """Keep what comes behind a handshake until its answer says what it is."""
        self._input = rest
        self.pause(HANDSHAKE)
        self._enqueue(request, outcome)

    def _declined(self) -> None:
        """A handshake was answered otherwise than asked for: what came behind it is not HTTP.

        It may be: the client, or a proxy on the way, may as well have taken the connection for a
        tunnel already, and somebody else's bytes would be taken for requests.
        """
        self._deaf = True
        self._input = b""

    def _switch(self, request: Request, response: Response, upgrade: ConnectionUpgrade) -> None:
        """Answer 101 and hand the connection over.

        The request stays the current one: to timeouts and draining its answer is under way.
        """
        # Whatever a header filter made of it: what follows is another protocol.
        response.status = 101
        head = self.context.heads.head(request, response, 0, keep_alive=True)
        self._out.append(head)
        self.transport.write(b"".join(self._out))
        self._out.clear()
        self._current = request
        early, self._input = self._input, b""
        paused, self.write_paused = self.write_paused, False
        upgrade.start(
            self.transport,
            early,
            paused,
            lambda sent: self._report(request, response, len(head) + sent),
        )

    def check(self, now: float) -> None:
        """Look whether this connection has taken too long; called about once a second."""
        limits = self.context.limits
        age = now - self._since
        if self._closing:
            if age > limits.linger + (limits.write_timeout if self.write_paused else 0):
                self.transport.abort()
        elif self.write_paused:
            if age > limits.write_timeout:
                self.transport.abort()
        elif self._incoming is not None:
            if self._too_slow(self._incoming, now, age):
                self.refuse(408)
                self._flush()
        elif self._current is not None or self._waiting:
            return
        elif self._input:
            if age > limits.header_timeout:
                self.refuse(408)
                self._flush()
        elif age > limits.idle_timeout or self.context.draining:
            self.transport.close()

    def _too_slow(self, incoming: Incoming, now: float, age: float) -> bool:
        """Tell whether a body takes too long; not while the client waits for the gateway."""
        limits = self.context.limits
        if self._pauses or incoming.awaits_continue:
            incoming.watch(now)
            return False
        return age > limits.body_timeout or incoming.starves(
            now, limits.body_rate, limits.body_rate_period
        )

    def drain(self) -> None:
        """Close now when idle; otherwise the next answer says ``Connection: close``."""
        busy = self._incoming is not None or self._input or self._current or self._waiting
        if not self._closing and not busy:
            self.transport.close()
