# SPDX-License-Identifier: Apache-2.0
"""An exchange whose attempts go to peers that a balancer chooses, each to another one."""

from __future__ import annotations

import asyncio
from time import monotonic

from gateway.errors import RequestRejected, UpstreamError
from gateway.http.headers import Headers
from gateway.http.messages import Request
from gateway.outgoing.connection import OutgoingConnection
from gateway.proxy.balancing.latency import FAILURE
from gateway.proxy.balancing.peer import Peer
from gateway.proxy.balancing.upstream import BalancedUpstream
from gateway.proxy.context import ProxyContext
from gateway.proxy.exchange import Exchange

NO_PEER = "failure to get a peer from the ring-balancer"
"""Kong's message of the 503 (``kong/runloop/balancer/init.lua``, 3.10)."""


class BalancedExchange(Exchange):
    """Never goes to a peer again that has failed for this request.

    A kept connection that turns out to be closed says nothing of its peer: an idempotent request
    is sent there once more, on a new one. Unlike at a single host, an idempotent request that
    timed out is sent again, to another peer.
    """

    __slots__ = (
        "_again",
        "_balancer",
        "_destination",
        "_failed",
        "_peer",
        "_peer_host",
        "_since",
        "_took",
        "_value",
    )
    elsewhere = True

    def __init__(self, context: ProxyContext, upstream: BalancedUpstream, request: Request) -> None:
        super().__init__(context, upstream, request)
        self._balancer = balancer = upstream.balancer
        self._destination = upstream.destination
        self._failed: tuple[Peer, ...] = ()
        self._again = False
        """The next attempt is with the same peer, on a new connection."""
        self._peer: Peer | None = None
        self._peer_host = b""
        self._since = self._took = 0.0
        self._value: bytes | None = None
        if balancer.hash_input:
            self._value, cookie = balancer.hash_input.read(request)
            if cookie is not None and balancer.hash_input.cookie is not None:
                line = balancer.hash_input.cookie.line(cookie)
                request.response_lines += b"\r\nSet-Cookie: " + line

    def begin(self) -> None:
        """Start an attempt with the peer that was chosen, at first with the balancer's choice."""
        if self._peer is None and not self._choose():
            if self._balancer.targets.found.is_set():
                self._fail(UpstreamError(503, NO_PEER, f"upstream {self._balancer.name}"))
            else:
                self._spawn(self._wait())
            return
        super().begin()

    def _begun(self, status: int, headers: Headers) -> None:
        super()._begun(status, headers)
        self._took = monotonic() - self._since
        checks = self._balancer.checks
        if checks is not None and self._peer is not None:
            checks.responded(self._peer, status)

    def on_end(self) -> None:
        """The peer has responded."""
        self._release(self._took)
        super().on_end()

    def on_switch(self, headers: Headers, transport: asyncio.Transport, rest: bytes) -> None:
        """The request is under way until the tunnel ends."""
        super().on_switch(headers, transport, rest)
        if self._tunnel is not None:
            self._tunnel.closed = self._tunnel_closed

    def on_failure(self, error: Exception) -> None:
        """Count the failure, and try another peer, or give up."""
        peer = self._peer
        if not self._done and peer is not None:
            self._again = self._was_stale(error)
            if not self._again:
                self._failed += (peer,)
                checks = self._balancer.checks
                if checks is not None:
                    checks.failed(peer, timeout=isinstance(error, TimeoutError))
                self._release(max(monotonic() - self._since, FAILURE))
        super().on_failure(error)

    def _choose(self) -> bool:
        balancer = self._balancer
        peer = balancer.pick(self._value, self._failed)
        if peer is None:
            return False
        self._peer = peer
        self._key, self._peer_host = self._destination(peer)
        self._since = monotonic()
        if balancer.tracks:
            balancer.began(peer)
        return True

    def _goes_on(self) -> bool:
        """Whether there is a peer that has not failed; it is the next."""
        return self._again or self._choose()

    def _host(self) -> bytes:
        """Return the Host of the peer, unless that of the client is kept."""
        upstream = self._upstream
        if self._peer is None or (upstream.preserve_host and self._request.host):
            return upstream.host_for(self._request)
        return self._peer_host

    def _idle(self) -> OutgoingConnection | None:
        return None if self._again else super()._idle()

    def _was_stale(self, error: Exception) -> bool:
        """Whether a kept connection was closed by the time that the request came there."""
        connection = self._connection
        if connection is None or connection.served <= 1 or self._again or self._status:
            return False
        return self._is_repeatable() and self._tries > 0 and isinstance(error, ConnectionError)

    async def _wait(self) -> None:
        """Begin when the targets have been looked up for the first time."""
        try:
            async with asyncio.timeout(self._upstream.connect_timeout):
                await self._balancer.targets.found.wait()
        except TimeoutError:
            self._fail(UpstreamError(503, NO_PEER, f"upstream {self._balancer.name}: no DNS"))
            return
        self._task = None
        if not self._done:
            self.begin()

    def _release(self, seconds: float | None) -> None:
        """The peer is done with the request."""
        peer, self._peer = self._peer, None
        if peer is not None and self._balancer.tracks:
            self._balancer.ended(peer, seconds)

    def _tunnel_closed(self) -> None:
        self._release(None)

    def _fail(self, error: UpstreamError | RequestRejected) -> None:
        self._release(None)
        super()._fail(error)

    def _abandoned(self) -> None:
        if self._tunnel is None:
            self._release(None)
        super()._abandoned()
