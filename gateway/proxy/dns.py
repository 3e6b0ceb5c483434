# SPDX-License-Identifier: Apache-2.0
"""Look-ups of names that say how long their answers hold.

The system's resolver does not tell the TTL of a record, c-ares does; it reads the hosts file and
the search domains too, and works in a thread of its own beside the event loop.
"""

from __future__ import annotations

import asyncio
import math
import socket
import weakref
from collections.abc import Awaitable, Sequence
from typing import NamedTuple, TypeVar

from aiodns import DNSResolver
from aiodns.error import ARES_ENODATA, ARES_ENOTFOUND, DNSError
from pycares import AddrInfoResult, AresError, SRVRecordData

from gateway.logs import get_logger

_log = get_logger("gateway.proxy")
_Found = TypeVar("_Found")

_NOT_FOUND = frozenset({ARES_ENODATA, ARES_ENOTFOUND})
_TRIES = 2
"""How often each server is asked; the second time it has twice the time to answer."""
_DEADLINE = 7.0
"""Seconds for one name, however many servers are silent: two of them are tried twice in 6 s."""
_UNKNOWN_TTL = 30.0
"""Seconds for which an answer without a TTL holds."""
_SHORTEST = 1.0
"""Seconds for which an answer holds at least: a TTL of 0 must not mean a query a request. The
hosts file has no TTLs, which c-ares tells as 0; reading it costs no query."""


class DnsAnswer(NamedTuple):
    """Addresses of a name, none when there is no such name, and the seconds for which they hold."""

    addresses: Sequence[str]
    ttl: float


class SrvRecord(NamedTuple):
    """Where one instance of a service is (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


class SrvAnswer(NamedTuple):
    """The records of a name, none where it has no SRV records, and the seconds they hold."""

    records: Sequence[SrvRecord]
    ttl: float


class Dns:
    """Asks ``servers`` (address, or address:port), or without any those of the system.

    ``valid_ttl`` is held instead of a record's own TTL; that there is no such name holds for
    ``not_found_ttl``. ``patience`` is how long a server has for its answer at first. All seconds.
    """

    def __init__(
        self,
        servers: Sequence[str] = (),
        *,
        valid_ttl: float | None = None,
        not_found_ttl: float = 30.0,
        patience: float = 1.0,
    ) -> None:
        self._servers = tuple(servers)
        self._valid_ttl = valid_ttl
        self._not_found_ttl = not_found_ttl
        self._patience = patience
        self._channel: DNSResolver | None = None
        self._replace_at = math.inf
        # Those that were replaced live on until their last look-up is done.
        self._open: weakref.WeakSet[DNSResolver] = weakref.WeakSet()
        self._warned = False

    async def ask(self, host: str) -> DnsAnswer:
        """Look a name up; raises ``OSError`` or ``UnicodeError`` when that fails.

        The first call starts c-ares on the running loop. Not for many callers at once per name:
        ``Resolver`` sees to that.
        """
        if _is_local(host):
            # c-ares gives localhost both 127.0.0.1 and ::1, whatever the hosts file says.
            return await _ask_system(host)
        try:
            channel = self._current()
        except AresError as error:
            if not self._warned:
                self._warned = True
                _log.warning("c-ares cannot be used, TTLs are not honoured", reason=str(error))
            return await _ask_system(host)
        found = await self._found(channel.getaddrinfo(host, type=socket.SOCK_STREAM))
        return DnsAnswer((), self._not_found_ttl) if found is None else self._answer(found)

    async def services(self, name: str) -> SrvAnswer:
        """Look up the SRV records of a name; raises ``OSError`` when that fails.

        The name itself may be no host: that it has no such records is an answer.
        """
        if _is_local(name):
            return SrvAnswer((), self._not_found_ttl)
        try:
            found = await self._found(self._current().query_dns(name, "SRV"))
        except AresError as error:
            raise OSError(str(error)) from error
        answer = () if found is None else found.answer
        rows = [(one.data, one.ttl) for one in answer if isinstance(one.data, SRVRecordData)]
        records = [
            SrvRecord(row.priority, row.weight, row.port, row.target.rstrip(".")) for row, _ in rows
        ]
        if not records:
            return SrvAnswer((), self._not_found_ttl)
        return SrvAnswer(records, self._held(float(min(ttl for _, ttl in rows))))

    def close(self) -> None:
        """Give up what is being looked up, and let go of threads and sockets."""
        for channel in list(self._open):
            # Its last reference gone, a channel closes itself.
            channel.cancel()
        self._channel = None

    async def _found(self, asked: Awaitable[_Found]) -> _Found | None:
        """Wait for a look-up; None when there is no such name, or nothing of the kind for it."""
        try:
            async with asyncio.timeout(_DEADLINE):
                return await asked
        except DNSError as error:
            if error.args[0] not in _NOT_FOUND:
                raise OSError(*error.args) from error
            self._replace_in(self._not_found_ttl)
            return None
        except asyncio.CancelledError:
            # Look-ups are only cancelled when the loop ends; c-ares must not call it after that.
            self.close()
            raise

    def _current(self) -> DNSResolver:
        loop = asyncio.get_running_loop()
        if self._channel is None or loop.time() >= self._replace_at:
            self._channel = DNSResolver(self._servers, loop, timeout=self._patience, tries=_TRIES)
            self._replace_at = math.inf
            self._open.add(self._channel)
        return self._channel

    def _replace_in(self, seconds: float) -> None:
        """Have a new channel in that time: an answer that is to hold shorter than its zone says.

        A channel keeps answers by itself, for their TTL. That cannot be switched off or emptied.
        """
        self._replace_at = min(self._replace_at, asyncio.get_running_loop().time() + seconds)

    def _answer(self, found: AddrInfoResult) -> DnsAnswer:
        addresses = dict.fromkeys(node.addr[0].decode() for node in found.nodes)
        # An alias on the way may change earlier than the addresses behind it.
        ttls = [node.ttl for node in found.nodes] + [alias.ttl for alias in found.cnames]
        return DnsAnswer(tuple(addresses), self._held(float(min(ttls, default=0))))

    def _held(self, ttl: float) -> float:
        """Return how long an answer with this TTL holds."""
        if self._valid_ttl is not None:
            if self._valid_ttl < ttl:
                self._replace_in(self._valid_ttl)
            ttl = self._valid_ttl
        return max(ttl, _SHORTEST)


def _is_local(host: str) -> bool:
    return f".{host.lower()}".endswith(".localhost")


async def _ask_system(host: str) -> DnsAnswer:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return DnsAnswer(tuple(dict.fromkeys(str(one[4][0]) for one in found)), _UNKNOWN_TTL)
