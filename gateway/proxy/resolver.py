# SPDX-License-Identifier: Apache-2.0
"""Names to addresses, remembered for a time; the answers of one name are used in turn."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import ip_address

from gateway.errors import UpstreamError

Lookup = Callable[[str], Awaitable[list[str]]]


@dataclass(slots=True)
class _Entry:
    addresses: list[str]
    expires: float
    turn: int = 0
    refresh: asyncio.Task[None] | None = field(default=None, compare=False)


class Resolver:
    """A cache before the system's resolver (hosts file, search domains and all).

    The system's resolver does not tell the TTL of a record, so one ``ttl`` in seconds holds for
    all. For ``stale`` seconds more an old answer is used while a new one is fetched; a failure is
    remembered for ``negative`` seconds.
    """

    def __init__(
        self,
        ttl: float = 30.0,
        stale: float = 300.0,
        negative: float = 1.0,
        lookup: Lookup | None = None,
    ) -> None:
        self._ttl = ttl
        self._stale = stale
        self._negative = negative
        self._lookup = lookup or _system_lookup
        self._entries: dict[str, _Entry] = {}
        self._underway: dict[str, asyncio.Task[_Entry]] = {}

    async def resolve(self, host: str) -> str:
        """Return an address of ``host``; raises ``UpstreamError`` 503 when there is none."""
        if _is_address(host):
            return host
        loop = asyncio.get_running_loop()
        entry = self._entries.get(host)
        now = loop.time()
        if entry is None or now >= entry.expires + (self._stale if entry.addresses else 0):
            entry = await self._fetch(host)
        elif now >= entry.expires and host not in self._underway:
            _ = self._start(host)
        if not entry.addresses:
            raise UpstreamError(503, "name resolution failed", host)
        entry.turn = (entry.turn + 1) % len(entry.addresses)
        return entry.addresses[entry.turn]

    async def _fetch(self, host: str) -> _Entry:
        """Wait for the one look-up of this name that all its requests share."""
        task = self._underway.get(host) or self._start(host)
        # Who waits may be cancelled (its client left); the look-up is also others'.
        return await asyncio.shield(task)

    def _start(self, host: str) -> asyncio.Task[_Entry]:
        task = asyncio.get_running_loop().create_task(self._ask(host))
        self._underway[host] = task
        task.add_done_callback(lambda _: self._underway.pop(host, None))
        return task

    async def _ask(self, host: str) -> _Entry:
        loop = asyncio.get_running_loop()
        try:
            addresses = list(dict.fromkeys(await self._lookup(host)))
        except OSError:
            addresses = []
        old = self._entries.get(host)
        if addresses:
            entry = _Entry(addresses, loop.time() + self._ttl)
        elif old is not None and old.addresses and loop.time() < old.expires + self._stale:
            return old
        else:
            entry = _Entry([], loop.time() + self._negative)
        self._entries[host] = entry
        return entry


async def _system_lookup(host: str) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[4][0]) for address in found]


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
