# SPDX-License-Identifier: Apache-2.0
"""Where targets are: their addresses by DNS, kept up to date as long as somebody uses them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from gateway.entities.hosts import TARGET_PORT, split_port
from gateway.logs import get_logger
from gateway.names.addresses import is_address
from gateway.proxy.balancing.peer import TargetAddress
from gateway.proxy.dns import SrvAnswer
from gateway.proxy.resolver import Resolver

_log = get_logger("gateway.proxy")

_AFTER_FAILURE = 5.0
"""Seconds until a name is asked for again that has no address."""
_SOON = 0.5
"""Seconds until it is asked again what is being fetched already."""
_GRACE = 1.0
"""Seconds that SRV records may come later than addresses: a server that is silent about them, or
away while the hosts file has the name, holds nobody up for longer."""


class FoundTarget:
    """A target of an upstream with the addresses that it has at the moment."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row
        host, port = split_port(str(row["target"]))
        self.host = host
        self.port = int(port or TARGET_PORT)
        weight = row.get("weight")
        self.weight: int = 100 if weight is None else int(weight)
        self.addresses: Sequence[TargetAddress] = ()
        self.dns = "A"
        """The kind of record it was found by, or what went wrong."""
        self.due = float("inf")
        """When it is to be asked for again, by the loop's clock."""
        if is_address(host):
            self.addresses = (TargetAddress(host, host, self.port, self.weight),)
            self.dns = "AAAA" if ":" in host else "A"
        else:
            self.due = 0.0

    @property
    def name(self) -> str:
        """Host and port, as the target is written."""
        return str(self.row["target"])


async def all_found(lists: Iterable[TargetList], within: float) -> None:
    """Wait until all targets have been looked up once, but not for longer than that."""
    waiting = [one.found.wait() for one in lists if not one.found.is_set()]
    if waiting:
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await asyncio.gather(*waiting)


class TargetList:
    """The targets of one upstream.

    ``changed`` is called on the loop whenever addresses are others than before. What is found is
    kept up to date from ``start`` to ``close``.
    """

    def __init__(
        self,
        rows: Iterable[Mapping[str, Any]],
        resolver: Resolver,
        changed: Callable[[], object] = lambda: None,
    ) -> None:
        self.targets = [FoundTarget(row) for row in rows]
        self.found = asyncio.Event()
        """Set once each target was looked up."""
        self._resolver = resolver
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        if all(target.due == float("inf") for target in self.targets):
            self.found.set()

    def start(self) -> None:
        """Look names up, if there are any; needs the running loop."""
        if self._task is None and not self.found.is_set():
            self._task = asyncio.get_running_loop().create_task(self._follow())

    def close(self) -> None:
        """Look nothing up any more; the addresses stay."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            due = [target for target in self.targets if target.due <= now]
            before = [target.addresses for target in due]
            await asyncio.gather(*(self._look_up(target) for target in due))
            if before != [target.addresses for target in due]:
                self._changed()
            self.found.set()
            await asyncio.sleep(max(0.0, min(one.due for one in self.targets) - loop.time()))

    async def _look_up(self, target: FoundTarget) -> None:
        loop = asyncio.get_running_loop()
        try:
            kind, addresses, until = await self._find(target)
        except (OSError, UnicodeError) as error:
            # What was found before is better than nothing.
            target.due = loop.time() + _AFTER_FAILURE
            if not target.addresses:
                target.dns = f"dns error: {error}"
            return
        if addresses:
            target.dns = kind
            target.due = max(until, loop.time() + _SOON)
        else:
            if target.addresses or target.due == 0.0:
                _log.warning("a target has no address", target=target.name)
            target.dns = "dns server error: 3 name error"
            target.due = loop.time() + _AFTER_FAILURE
        target.addresses = tuple(sorted(addresses))

    async def _find(self, target: FoundTarget) -> tuple[str, Sequence[TargetAddress], float]:
        """Return the kind of records, the addresses, and until when they hold.

        SRV records come first, as by Kong's ``dns_order``.
        """
        asking = asyncio.ensure_future(self._resolver.services(target.host))
        # It goes on when nobody waits for it any more: the next look-up finds what it brought.
        asking.add_done_callback(_seen)
        addresses, until = await self._resolver.all_of(target.host)
        services: SrvAnswer | None = None
        try:
            async with asyncio.timeout(_GRACE if addresses else None):
                services = await asyncio.shield(asking)
        except (OSError, TimeoutError) as error:
            if target.dns == "SRV" and target.addresses:
                raise OSError(str(error)) from error
        if services is not None and services.records:
            return "SRV", *await self._of_services(target, services)
        kind = "AAAA" if addresses and ":" in addresses[0] else "A"
        found = [TargetAddress(target.host, ip, target.port, target.weight) for ip in addresses]
        return kind, found, until

    async def _of_services(
        self, target: FoundTarget, services: SrvAnswer
    ) -> tuple[list[TargetAddress], float]:
        """Return the addresses of the records that come first (RFC 2782), with their weights."""
        until = asyncio.get_running_loop().time() + services.ttl
        first = min(record.priority for record in services.records)
        found: list[TargetAddress] = []
        for record in services.records:
            if record.priority != first:
                continue
            addresses: Sequence[str] = (record.target,)
            held = until
            if not is_address(record.target):
                addresses, held = await self._resolver.all_of(record.target)
            until = min(until, held)
            # One that is to get next to nothing still gets something; a target's own 0 is nothing.
            weight = 0.0 if target.weight == 0 else max(record.weight, 1)
            port = record.port or target.port
            found += [
                TargetAddress(target.host, ip, port, weight / len(addresses), record.target)
                for ip in addresses
            ]
        return found, until


def _seen(asked: asyncio.Future[SrvAnswer]) -> None:
    """Take the outcome of a look-up: asyncio complains of a failure that nobody looked at."""
    if not asked.cancelled():
        asked.exception()
