# SPDX-License-Identifier: Apache-2.0
"""The faster of two peers: averages of response times in which the newest count most.

The rule is that of Finagle's and Kong's ``latency``: exponentially weighted moving averages that
fade within seconds, and two choices at random, so that not all requests run to the fastest.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from math import exp
from time import monotonic

from gateway.proxy.balancing.algorithm import Algorithm
from gateway.proxy.balancing.peer import Peer

_FADES = 10.0
"""Seconds after which a measurement counts for a third."""
FAILURE = 1.0
"""Seconds that a failed attempt counts for at least: refusing at once is not being fast."""


class LeastLatency(Algorithm):
    """``clock`` tells seconds. A new peer begins with the average of the others."""

    tracks = True

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._peers: list[Peer] = []
        self._touched: dict[Peer, float] = {}

    def arrange(self, peers: Sequence[Peer]) -> None:
        """Go on with the healthy ones."""
        self._peers = [peer for peer in peers if peer.available]
        self._touched = {peer: at for peer, at in self._touched.items() if peer in peers}
        known = [peer.average for peer in self._peers if peer.average is not None]
        if known:
            for peer in self._peers:
                if peer.average is None:
                    self._set(peer, sum(known) / len(known))

    def pick(self, value: bytes | None, failed: Collection[Peer]) -> Peer | None:
        """Return the faster of two, for its weight."""
        peers = self._peers
        if failed:
            peers = [peer for peer in peers if peer not in failed]
        if len(peers) < 2:
            return peers[0] if peers else None
        one, other = random.sample(peers, 2)
        return one if self._score(one) <= self._score(other) else other

    def ended(self, peer: Peer, seconds: float | None) -> None:
        """Measure."""
        if seconds is None:
            return
        before = peer.average
        if before is None:
            self._set(peer, seconds)
            return
        kept = exp(-(self._clock() - self._touched.get(peer, 0.0)) / _FADES)
        self._set(peer, before * kept + seconds * (1.0 - kept))

    def _set(self, peer: Peer, average: float) -> None:
        peer.average = average
        self._touched[peer] = self._clock()

    def _score(self, peer: Peer) -> float:
        """Return the average as it has faded since the last response, by weight."""
        if peer.average is None:
            return 0.0
        age = self._clock() - self._touched.get(peer, 0.0)
        return peer.average * exp(-age / _FADES) / peer.weight
