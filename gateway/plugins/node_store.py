# SPDX-License-Identifier: Apache-2.0
"""Values that all workers of a node share, and who is at work on one: bounded in bytes and entries.

There are two kinds of entries. A *value* is a copy that can be made again (a cached response): the
one that was used least recently goes when room is needed. A *claim* is a promise: one caller has
begun something under a key, and others who come meanwhile wait for its result. Claims and results
stay for as long as their owner said. They take half of the room: when that is full the result that
is there longest goes before its time, and where all are being worked on, beginning is refused.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import inf
from time import monotonic

from gateway.errors import NodeStoreUnavailable
from gateway.logs import get_logger
from gateway.plugins.shared_store import LEASE, Seen, Standing

_log = get_logger("gateway.store")

_OVERHEAD = 400
"""Bytes that an entry takes beside its key and value, about."""
_BETWEEN_LINES = 60.0
_PINNED_SHARE = 2
"""One part of so many is the most that claims and their results may take."""


@dataclass(slots=True)
class _Value:
    content: bytes
    expires: float


@dataclass(slots=True)
class _Claim:
    token: str
    mark: bytes
    owner: object
    again: bool
    expires: float
    note: bytes = b""
    lost: bool = False
    value: bytes | None = None
    waiting: list[asyncio.Future[None]] = field(default_factory=list)


class NodeStore:
    """The store itself, for one event loop; all but ``begin`` is done at once.

    ``clock`` gives monotonic seconds.
    """

    def __init__(
        self,
        max_bytes: int = 128 * 1024**2,
        max_entries: int = 1_000_000,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.max_bytes = max_bytes
        self.max_entries = max_entries
        self.bytes = 0
        """What values and claims take, as estimated."""
        self._pinned = 0
        self._values: OrderedDict[str, _Value] = OrderedDict()
        self._claims: dict[str, _Claim] = {}
        self._results: OrderedDict[str, None] = OrderedDict()
        self._silent_until = 0.0
        self._expiries: list[tuple[float, str]] = []
        self._clock = clock
        self._tokens = count(1)

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self._values) + len(self._claims)

    def get(self, key: str) -> bytes | None:
        """See ``SharedStore``."""
        found = self._values.get(key)
        if found is None:
            claim = self._claim(key)
            return None if claim is None else claim.value
        if found.expires <= self._clock():
            self._drop(key)
            return None
        self._values.move_to_end(key)
        return found.content

    def put(self, key: str, value: bytes, ttl: float) -> bool:
        """See ``SharedStore``."""
        if key in self._values:
            self._drop(key)
        size = _size(key, value)
        if not self._make_room(size):
            return False
        self._values[key] = _Value(value, self._clock() + ttl)
        self.bytes += size
        return True

    def remove(self, key: str) -> bool:
        """See ``SharedStore``."""
        there = self.get(key) is not None and key in self._values
        if key in self._values:
            self._drop(key)
        return there

    def clear(self, prefix: str) -> int:
        """See ``SharedStore``."""
        chosen = self.keys(prefix)
        for key in chosen:
            self._drop(key)
        return len(chosen)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of all values that begin so, the one used last at the end."""
        return [key for key in self._values if key.startswith(prefix)]

    async def begin(
        self,
        key: str,
        mark: bytes,
        *,
        wait: float,
        ttl: float,
        again: bool = False,
        note: bytes = b"",
        owner: object = None,
    ) -> Seen:
        """See ``SharedStore``; ``owner`` is whose claims ``disown`` ends."""
        loop = asyncio.get_running_loop()
        end = loop.time() + wait
        while True:
            claim = self._claim(key)
            if claim is None:
                return self._begun(key, _Claim("", mark, owner, again, 0.0, note), ttl)
            if claim.value is not None:
                return Seen(Standing.FOUND, value=claim.value)
            if claim.mark != mark:
                return Seen(Standing.OTHER)
            if claim.lost and again:
                kept = claim.note
                new = _Claim("", mark, owner, again, 0.0, kept or note)
                return self._begun(key, new, ttl)._replace(standing=Standing.TAKEN, value=kept)
            if claim.lost:
                return Seen(Standing.LOST)
            left = end - loop.time()
            if left <= 0 or not await _changed(claim, left):
                return Seen(Standing.BUSY)

    def finish(self, key: str, token: str, value: bytes, ttl: float) -> bool:
        """See ``SharedStore``."""
        claim = self._claim(key)
        if claim is None or claim.token != token:
            return False
        while self._is_pinned_full(len(value)) and self._results:
            self._push_out()
        self._make_room(len(value))
        self._resize(len(value))
        self._resize(-len(claim.note))
        claim.value, claim.note, claim.lost = value, b"", False
        claim.expires = self._clock() + ttl
        self._results[key] = None
        heappush(self._expiries, (claim.expires, key))
        _wake(claim)
        return True

    def release(self, key: str, token: str) -> None:
        """See ``SharedStore``."""
        claim = self._claims.get(key)
        if claim is not None and claim.token == token and claim.value is None:
            self._forget(key)

    def lose(self, key: str, token: str, note: bytes = b"") -> None:
        """See ``SharedStore``."""
        claim = self._claims.get(key)
        if claim is not None and claim.token == token and claim.value is None:
            self._resize(len(note or claim.note) - len(claim.note))
            claim.note, claim.lost = note or claim.note, True
            _wake(claim)

    def disown(self, owner: object) -> None:
        """End the claims of one who is gone: they are lost, and those who wait hear of it."""
        for claim in self._claims.values():
            if claim.owner is owner and claim.value is None:
                claim.lost = True
                _wake(claim)

    def _begun(self, key: str, claim: _Claim, ttl: float) -> Seen:
        self._expire()
        size = _size(key, claim.mark) + len(claim.note)
        while self._is_pinned_full(size) and self._results:
            self._push_out()
        if self._is_pinned_full(size) or not self._make_room(size):
            raise NodeStoreUnavailable("it is full of what is being worked on (mem_cache_size)")
        if key in self._claims:
            # Only now: a lost claim that cannot be taken over stays lost.
            self._forget(key)
        claim.token, claim.expires = str(next(self._tokens)), self._clock() + ttl
        self._claims[key] = claim
        heappush(self._expiries, (claim.expires, key))
        self._resize(size)
        return Seen(Standing.BEGUN, claim.token)

    def _is_pinned_full(self, size: int) -> bool:
        return (self._pinned + size) * _PINNED_SHARE > self.max_bytes or (
            len(self._claims) + 1
        ) * _PINNED_SHARE > self.max_entries

    def _push_out(self) -> None:
        """Forget the result that is there longest, and say so now and then."""
        self._forget(next(iter(self._results)))
        if self._clock() >= self._silent_until:
            self._silent_until = self._clock() + _BETWEEN_LINES
            _log.warning("results are forgotten before their time: raise mem_cache_size")

    def _claim(self, key: str) -> _Claim | None:
        claim = self._claims.get(key)
        if claim is not None and claim.expires <= self._clock():
            self._forget(key)
            return None
        return claim

    def _forget(self, key: str) -> None:
        claim = self._claims.pop(key)
        self._results.pop(key, None)
        self._resize(-_size(key, claim.mark) - len(claim.note) - len(claim.value or b""))
        _wake(claim)

    def _resize(self, change: int) -> None:
        self.bytes += change
        self._pinned += change

    def _drop(self, key: str) -> None:
        self.bytes -= _size(key, self._values.pop(key).content)

    def _expire(self) -> None:
        """Forget claims whose time is over; a claim that was renewed has a later entry too."""
        now = self._clock()
        while self._expiries and self._expiries[0][0] <= now:
            _, key = heappop(self._expiries)
            self._claim(key)

    def _make_room(self, size: int) -> bool:
        if size > self.max_bytes // 2:
            return False
        self._expire()
        while self.bytes + size > self.max_bytes or len(self) >= self.max_entries:
            if not self._values:
                return False
            self._drop(next(iter(self._values)))
        return True


class LocalStore:
    """A store for a worker without a master: that of its own process."""

    def __init__(self, store: NodeStore | None = None) -> None:
        self.store = NodeStore() if store is None else store

    async def get(self, key: str) -> bytes | None:
        """See ``SharedStore``."""
        return self.store.get(key)

    async def put(self, key: str, value: bytes, ttl: float) -> bool:
        """See ``SharedStore``."""
        return self.store.put(key, value, ttl)

    async def remove(self, key: str) -> bool:
        """See ``SharedStore``."""
        return self.store.remove(key)

    async def clear(self, prefix: str) -> int:
        """See ``SharedStore``."""
        return self.store.clear(prefix)

    async def begin(
        self,
        key: str,
        mark: bytes,
        *,
        wait: float,
        ttl: float,
        again: bool = False,
        note: bytes = b"",
        lease: float = LEASE,
    ) -> Seen:
        """See ``SharedStore``; the end of an owner is seen at once, so there is no lease."""
        return await self.store.begin(
            key, mark, wait=wait, ttl=ttl, again=again, note=note, owner=self
        )

    def left(self, token: str) -> float:
        """See ``SharedStore``."""
        return inf

    async def lose(self, key: str, token: str, note: bytes = b"") -> None:
        """See ``SharedStore``."""
        self.store.lose(key, token, note)

    async def finish(self, key: str, token: str, value: bytes, ttl: float) -> bool:
        """See ``SharedStore``."""
        return self.store.finish(key, token, value, ttl)

    async def release(self, key: str, token: str) -> None:
        """See ``SharedStore``."""
        self.store.release(key, token)


async def _changed(claim: _Claim, within: float) -> bool:
    """Wait until something becomes of a claim; tell whether it did."""
    waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    claim.waiting.append(waiter)
    try:
        async with asyncio.timeout(within):
            await waiter
    except TimeoutError:
        return False
    finally:
        if waiter in claim.waiting:
            claim.waiting.remove(waiter)
    return True


def _wake(claim: _Claim) -> None:
    waiting, claim.waiting = claim.waiting, []
    for waiter in waiting:
        if not waiter.done():
            waiter.set_result(None)


def _size(key: str, content: bytes) -> int:
    return _OVERHEAD + len(key) + len(content)
