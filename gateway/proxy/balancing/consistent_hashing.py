# SPDX-License-Identifier: Apache-2.0
"""The same value to the same peer, on every worker and node, also when others come and go."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from hashlib import blake2b

from gateway.proxy.balancing.algorithm import Algorithm
from gateway.proxy.balancing.peer import Peer
from gateway.proxy.balancing.round_robin import RoundRobin

_POINTS = 160
"""Points of the peer with the largest weight, as in Ketama: shares then differ by a tenth."""
_IN_ONE = 8
"""Points that one hash makes: as many times 8 bytes."""
_FEWEST_SLOTS = 1000
"""Kong's rings are never smaller (``kong/runloop/balancer/consistent_hashing.lua``, 3.10)."""


class ConsistentHashing(Algorithm):
    """A ring of points, several for each peer; a value belongs to the next point after its hash.

    ``slots`` is the most points there are; where they do not suffice, each peer has half as many,
    or a quarter, …. Points depend on host and port alone, so that a peer that goes leaves all
    values but its own where they were. The values of one that is unhealthy go to the peers behind
    its points, and come back with it. A request without a value goes to the peers in turn.
    """

    def __init__(self, slots: int) -> None:
        self._slots = max(slots, _FEWEST_SLOTS)
        self._points: list[int] = []
        self._owners: list[Peer] = []
        self._made_of: list[tuple[Peer, float]] = []
        self._otherwise = RoundRobin()

    def arrange(self, peers: Sequence[Peer]) -> None:
        """Make the ring anew, unless only the health of peers changed."""
        self._otherwise.arrange(peers)
        made_of = [(peer, peer.weight) for peer in peers]
        if made_of == self._made_of:
            return
        self._made_of = made_of
        points = self._points_of(peers)
        self._points = sorted(points)
        self._owners = [points[point] for point in self._points]

    def pick(self, value: bytes | None, failed: Collection[Peer]) -> Peer | None:
        """Return the peer of a value, or the next on the ring that can be used."""
        if value is None:
            return self._otherwise.pick(value, failed)
        owners = self._owners
        if not owners:
            return None
        start = bisect_left(self._points, _hash(value)) % len(owners)
        peer = owners[start]
        if peer.available and peer not in failed:
            return peer
        # Rare: the ring is gone round once at most.
        passed = {peer}
        for peer in (*owners[start:], *owners[:start]):
            if peer not in passed:
                if peer.available and peer not in failed:
                    return peer
                passed.add(peer)
        return None

    def _points_of(self, peers: Sequence[Peer]) -> dict[int, Peer]:
        most = _POINTS
        while most > 1 and most * len(peers) > self._slots:
            most //= 2
        largest = max((peer.weight for peer in peers), default=1)
        points: dict[int, Peer] = {}
        # In the same order everywhere, or two points at the same place would differ by it.
        for peer in sorted(peers, key=lambda one: one.id):
            wanted = max(1, round(most * peer.weight / largest))
            for point in _places(peer, wanted):
                points.setdefault(point, peer)
        return points


def _places(peer: Peer, wanted: int) -> list[int]:
    found: list[int] = []
    name = " ".join(map(str, peer.id)).encode()
    for number in range(-(-wanted // _IN_ONE)):
        digest = blake2b(b"%b %d" % (name, number)).digest()
        found += [int.from_bytes(digest[at : at + 8]) for at in range(0, 8 * _IN_ONE, 8)]
    return found[:wanted]


def _hash(value: bytes) -> int:
    return int.from_bytes(blake2b(value, digest_size=8).digest())
