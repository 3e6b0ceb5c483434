# SPDX-License-Identifier: Apache-2.0
"""Sending log entries as datagrams, over UDP or to a local socket."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from weakref import finalize

from gateway.errors import OutgoingError
from gateway.logs import get_logger
from gateway.plugins.logging.counts import LogCounts
from gateway.plugins.logging.handler import OWN_LIMITS

LIMITS = replace(OWN_LIMITS, batch=64, coalescing=0.01)
"""Each datagram is a call of its own: not too many before requests get their turn."""
_LASTS = 60.0
"""Seconds after which a name is looked up again."""

Connect = Callable[[], Awaitable[socket.socket]]
"""Returns a connected socket that does not wait; raises ``OSError``."""


class Datagrams:
    """Sends entries to one place; the socket is made when there is something to send."""

    def __init__(self, place: str, connect: Connect, plugin: str, counts: LogCounts) -> None:
        self._place = place
        self._connect = connect
        self._plugin = plugin
        self._counts = counts
        self._socket: socket.socket | None = None
        self._close: Callable[[], object] = _nothing
        self._until = 0.0
        self._log = get_logger("gateway.plugins.logging")
        self._too_large = False

    async def send(self, entries: list[bytes]) -> int:
        """Send entries; return how many are done. Raises ``OutgoingError`` for none."""
        done = sent = 0
        try:
            connected = self._socket
            if connected is None or monotonic() > self._until:
                self._disconnect()
                connected = self._take(await self._connect())
                self._until = monotonic() + _LASTS
            for entry in entries:
                sent += self._send(connected, entry)
                done += 1
        except OSError as error:
            # Also what became of a datagram before: nobody was there.
            if not isinstance(error, BlockingIOError):
                self._disconnect()
            if not done:
                reason = error.strerror or str(error) or type(error).__name__
                raise OutgoingError(f"{self._place}: {reason}") from None
        self._counts.sent(self._plugin, sent)
        return done

    def _send(self, connected: socket.socket, entry: bytes) -> bool:
        try:
            connected.send(entry)
            return True
        except OSError as error:
            if error.errno != errno.EMSGSIZE:
                raise
            self._counts.dropped(self._plugin, "too_large")
            if not self._too_large:
                self._too_large = True
                self._log.error(
                    "log entry too large for a datagram", plugin=self._plugin, bytes=len(entry)
                )
            return False

    def _take(self, made: socket.socket) -> socket.socket:
        """Have a socket until the next one, or for as long as anybody has this.

        Its plugin may be closed while its queue still sends, so nobody else knows when that is. By
        ``__del__`` it would be too late: where both are garbage at once, the collector may come to
        the socket first, which warns that it was not closed.
        """
        self._close = finalize(self, made.close)
        self._socket = made
        return made

    def _disconnect(self) -> None:
        self._socket = None
        self._close()


def _nothing() -> None:
    """Close what was not opened."""


async def udp_socket(host: str, port: int, within: float) -> socket.socket:
    """Return a socket for a host's first address that can be used; raises ``OSError``."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(within):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    problem: OSError = OSError(f"no address of {host} can be used")
    for family, kind, protocol, _, address in found:
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        try:
            made.connect(address)
        except OSError as error:
            made.close()
            problem = error
        else:
            return made
    raise problem


def local_socket(path: str) -> socket.socket:
    """Return a socket for the one at a path; raises ``OSError``."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.setblocking(False)
    with suppress(OSError):
        # Entries may be larger than what the kernel has room for by default.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    try:
        made.connect(path)
    except OSError:
        made.close()
        raise
    return made
