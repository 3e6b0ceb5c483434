# SPDX-License-Identifier: Apache-2.0
"""Names to addresses, remembered for a time; the answers of one name are used in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.errors import UpstreamError
from gateway.names.addresses import is_address
from gateway.proxy.dns import Dns, DnsAnswer, SrvAnswer
from gateway.settings.settings import Settings

Lookup = Callable[[str], Awaitable[DnsAnswer]]
"""Raises ``OSError`` or ``UnicodeError`` when it is not known whether there is such a name."""


@dataclass(slots=True)
class _Entry:
    addresses: Sequence[str]
    fresh_until: float
    usable_until: float
    turn: int = 0


class Resolver:
    """A cache before ``Dns``, which says for how long an answer holds.

    For ``stale_ttl`` seconds more an old answer is used while a new one is fetched, and while none
    can be had; a failure is remembered for ``error_ttl`` seconds. At most ``limit`` names are kept.
    """

    def __init__(
        self,
        dns: Dns | None = None,
        *,
        stale_ttl: float = 3600.0,
        error_ttl: float = 1.0,
        limit: int = 10_000,
        lookup: Lookup | None = None,
    ) -> None:
        self._dns = dns or Dns()
        self._stale_ttl = stale_ttl
        self._error_ttl = error_ttl
        self._limit = limit
        self._lookup = lookup or self._dns.ask
        self._entries: dict[str, _Entry] = {}
        self._underway: dict[str, asyncio.Task[_Entry]] = {}

    async def resolve(self, host: str) -> str:
        """Return an address of ``host``; raises ``UpstreamError`` 503 when there is none."""
        if is_address(host):
            return host
        entry = await self._current(host)
        if not entry.addresses:
            raise UpstreamError(503, "name resolution failed", host)
        entry.turn = (entry.turn + 1) % len(entry.addresses)
        return entry.addresses[entry.turn]

    async def all_of(self, host: str) -> tuple[Sequence[str], float]:
        """Return all addresses of a name, none when there are none, and until when they hold.

        The time is the loop's; it has passed for an answer that is used for want of a newer one.
        """
        entry = await self._current(host)
        return entry.addresses, entry.fresh_until

    async def services(self, name: str) -> SrvAnswer:
        """Return the SRV records of a name; raises ``OSError`` when that fails."""
        return await self._dns.services(name)

    def close(self) -> None:
        """Give up the look-ups under way; their waiters get a failure."""
        self._dns.close()

    async def _current(self, host: str) -> _Entry:
        """Return what is known of a name, or ask; what is stale is fetched anew besides."""
        entry = self._entries.get(host)
        now = asyncio.get_running_loop().time()
        if entry is None or now >= entry.usable_until:
            return await self._fetch(host)
        if now >= entry.fresh_until and host not in self._underway:
            _ = self._start(host)
        return entry

    async def _fetch(self, host: str) -> _Entry:
        """Wait for the one look-up of this name that all its requests share."""
        task = self._underway.get(host) or self._start(host)
        # The waiter may be cancelled (its client left); the look-up is also others'.
        return await asyncio.shield(task)

    def _start(self, host: str) -> asyncio.Task[_Entry]:
        task = asyncio.get_running_loop().create_task(self._ask(host))
        self._underway[host] = task
        task.add_done_callback(lambda _: self._underway.pop(host, None))
        return task

    async def _ask(self, host: str) -> _Entry:
        loop = asyncio.get_running_loop()
        try:
            answer = await self._lookup(host)
        except (OSError, UnicodeError):
            old = self._entries.get(host)
            now = loop.time()
            if old is not None and now < old.usable_until:
                old.fresh_until = now + self._error_ttl
                return old
            answer = DnsAnswer((), self._error_ttl)
        fresh_until = loop.time() + answer.ttl
        # That there is no such name is an answer too, and nothing to go on using.
        stale = self._stale_ttl if answer.addresses else 0.0
        entry = _Entry(answer.addresses, fresh_until, fresh_until + stale)
        self._keep(host, entry)
        return entry

    def _keep(self, host: str, entry: _Entry) -> None:
        old = self._entries.pop(host, None)
        if old is not None and entry.addresses:
            # Where TTLs are short, starting over would favour one address.
            entry.turn = old.turn % len(entry.addresses)
        if len(self._entries) >= self._limit:
            # The one whose answer is the oldest.
            del self._entries[next(iter(self._entries))]
        self._entries[host] = entry


def resolver_of(settings: Settings) -> Resolver:
    """Return what looks up the names of upstreams as the settings say."""
    dns = Dns(
        settings.dns_resolver,
        valid_ttl=settings.dns_valid_ttl,
        not_found_ttl=settings.dns_not_found_ttl,
    )
    return Resolver(dns, stale_ttl=settings.dns_stale_ttl, error_ttl=settings.dns_error_ttl)
