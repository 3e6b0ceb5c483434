# SPDX-License-Identifier: Apache-2.0
"""Callers with a wrong admin token, on any listener: logged, with responses more and more slowly.

Only the response to a wrong token waits. A caller with the right one never does, also at the
address of one that guesses: behind a port-forward or a proxy all callers have the same.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from time import monotonic

from gateway.logs import get_logger

_FREE = 10
"""Wrong tokens in a row that one address may send without being slowed: a typing error, a script
with an old token."""
_PACE = 1.0
"""Seconds between two responses to an address that has used them up; one is free again each."""
_QUEUE = 16
"""Responses to one address that wait; above it the response is a 429 at once."""
_ADDRESSES = 1024
"""Most that are remembered; the one quiet for the longest is forgotten first."""
_IPV6_PREFIX = 64

_log = get_logger("gateway.admin_token")


@dataclass
class _Caller:
    due: float = 0.0
    """When a response could go out if none were free."""
    waiting: int = 0
    unlogged: int = 0
    """Failures since the last line in the log."""
    logged: float = float("-inf")


class WrongTokens:
    """What wrong tokens cost, by address; an IPv6 address counts by its /64 network."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._callers: OrderedDict[str, _Caller] = OrderedDict()

    async def wait(self, address: str, path: str) -> bool:
        """Note a failure and wait for its turn; False: too many of them wait already."""
        caller = self._caller(address)
        now = self._clock()
        self._log_failure(caller, address, path, now)
        if caller.waiting >= _QUEUE:
            return False
        caller.due = max(caller.due, now - _FREE * _PACE) + _PACE
        if caller.due > now:
            caller.waiting += 1
            try:
                await asyncio.sleep(caller.due - now)
            finally:
                caller.waiting -= 1
        return True

    def _caller(self, address: str) -> _Caller:
        key = _network(address)
        caller = self._callers.setdefault(key, _Caller())
        self._callers.move_to_end(key)
        if len(self._callers) > _ADDRESSES:
            self._callers.popitem(last=False)
        return caller

    def _log_failure(self, caller: _Caller, address: str, path: str, now: float) -> None:
        """Log at most once in each pause, with the number of failures since the last line."""
        caller.unlogged += 1
        if now - caller.logged >= _PACE:
            _log.warning("wrong admin token", ip=address, path=path, times=caller.unlogged)
            caller.logged, caller.unlogged = now, 0


def _network(address: str) -> str:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(int(found) >> (128 - _IPV6_PREFIX))
