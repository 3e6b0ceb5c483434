# SPDX-License-Identifier: Apache-2.0
"""One after the other, as often as their weights say, and evenly spread over time."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from heapq import heapify, heapreplace

from gateway.proxy.balancing.algorithm import Algorithm
from gateway.proxy.balancing.peer import Peer

_Turn = tuple[float, int, Peer]
"""When it is a peer's turn, a number that tells equal times apart, and the peer."""


class RoundRobin(Algorithm):
    """The peer whose turn is next: turns of a peer with weight w are 1/w apart.

    So of any number of requests in a row each peer gets its share, one more or less, and there is
    no ring whose size grows with the weights. Workers begin at different peers.
    """

    def __init__(self) -> None:
        self._turns: list[_Turn] = []

    def arrange(self, peers: Sequence[Peer]) -> None:
        """Begin anew with the healthy ones."""
        there = [peer for peer in peers if peer.available]
        random.shuffle(there)
        places = len(there) + 1
        self._turns = [
            (number / places / peer.weight, number, peer) for number, peer in enumerate(there, 1)
        ]
        heapify(self._turns)

    def pick(self, value: bytes | None, failed: Collection[Peer]) -> Peer | None:
        """Return whose turn it is; a peer that is passed over keeps its turn."""
        turns = self._turns
        if not turns:
            return None
        due, number, peer = turns[0]
        if not failed or peer not in failed:
            heapreplace(turns, (due + 1 / peer.weight, number, peer))
            return peer
        left = [turn for turn in turns if turn[2] not in failed]
        if not left:
            return None
        due, number, peer = turn = min(left)
        turns[turns.index(turn)] = (due + 1 / peer.weight, number, peer)
        heapify(turns)
        return peer
