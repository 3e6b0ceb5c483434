# SPDX-License-Identifier: Apache-2.0
"""Idle connections to servers, kept for the next request."""

from __future__ import annotations

import asyncio
from time import monotonic

from gateway.outgoing.connection import ConnectionKey, OutgoingConnection

_SWEEP = 5.0


class Pool:
    """Last in, first out: the connection used last is the least likely to have gone stale.

    ``size`` idle connections per key at most, each for ``idle_timeout`` seconds and at most
    ``max_requests`` requests (defaults of Kong's upstream_keepalive_* settings).
    """

    def __init__(
        self, size: int = 512, idle_timeout: float = 60.0, max_requests: int = 10000
    ) -> None:
        self._size = size
        self._idle_timeout = idle_timeout
        self._max_requests = max_requests
        self._idle: dict[ConnectionKey, list[OutgoingConnection]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    def take(self, key: ConnectionKey) -> OutgoingConnection | None:
        """Return an idle connection, which is then the caller's."""
        idle = self._idle.get(key)
        return idle.pop() if idle else None

    def give(self, connection: OutgoingConnection) -> None:
        """Take back a connection on which a response was read to its end."""
        idle = self._idle.get(connection.key)
        if idle is None:
            idle = self._idle[connection.key] = []
        if self._closed or connection.served >= self._max_requests or len(idle) >= self._size:
            connection.close()
            return
        connection.idle_since = monotonic()
        idle.append(connection)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(_SWEEP, self._sweep)

    def forget(self, connection: OutgoingConnection) -> None:
        """Drop an idle connection that the server closed."""
        idle = self._idle.get(connection.key)
        if idle is not None and connection in idle:
            idle.remove(connection)

    @property
    def idle(self) -> int:
        """Idle connections of all keys."""
        return sum(len(connections) for connections in self._idle.values())

    def close(self) -> None:
        """Close all idle connections; those in use are closed when they come back."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def _sweep(self) -> None:
        self._sweeper = None
        oldest = monotonic() - self._idle_timeout
        for key, connections in list(self._idle.items()):
            for connection in [each for each in connections if each.idle_since < oldest]:
                connections.remove(connection)
                connection.close()
            if not connections:
                del self._idle[key]
        if self._idle:
            self._sweeper = asyncio.get_running_loop().call_later(_SWEEP, self._sweep)
