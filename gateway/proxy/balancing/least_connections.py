# SPDX-License-Identifier: Apache-2.0
"""The peer with the fewest requests under way, measured by its weight."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gateway.proxy.balancing.algorithm import Algorithm
from gateway.proxy.balancing.peer import Peer


class LeastConnections(Algorithm):
    """Counts the requests of this worker; of equal peers the one that was chosen longest ago."""

    tracks = True

    def __init__(self) -> None:
        self._peers: list[Peer] = []

    def arrange(self, peers: Sequence[Peer]) -> None:
        """Go on with the healthy ones, and the requests that they have."""
        known = set(self._peers)
        there = {peer for peer in peers if peer.available}
        kept = [peer for peer in self._peers if peer in there]
        self._peers = [*(peer for peer in peers if peer in there - known), *kept]

    def pick(self, value: bytes | None, failed: Collection[Peer]) -> Peer | None:
        """Return the peer that one request more would load the least."""
        best, least, place = None, float("inf"), 0
        for at, peer in enumerate(self._peers):
            load = (peer.open + 1) / peer.weight
            if load < least and peer not in failed:
                best, least, place = peer, load, at
        if best is not None:
            self._peers.append(self._peers.pop(place))
        return best

    def began(self, peer: Peer) -> None:
        """Count a request."""
        peer.open += 1

    def ended(self, peer: Peer, seconds: float | None) -> None:
        """Count it no more."""
        peer.open -= 1
