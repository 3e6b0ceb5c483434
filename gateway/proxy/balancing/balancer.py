# SPDX-License-Identifier: Apache-2.0
"""One upstream in one worker: its peers, and the choice among them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from gateway.proxy.balancing.algorithm import Algorithm
from gateway.proxy.balancing.consistent_hashing import ConsistentHashing
from gateway.proxy.balancing.discovery import TargetList
from gateway.proxy.balancing.hash_input import HashInput
from gateway.proxy.balancing.health import PeerState, suffices, watches
from gateway.proxy.balancing.latency import LeastLatency
from gateway.proxy.balancing.least_connections import LeastConnections
from gateway.proxy.balancing.passive_checks import HealthReport, PassiveChecks
from gateway.proxy.balancing.peer import Peer, PeerId
from gateway.proxy.balancing.round_robin import RoundRobin
from gateway.proxy.resolver import Resolver

Row = Mapping[str, Any]
_ALGORITHMS: Mapping[str, Callable[[Row], Algorithm]] = {
    "round-robin": lambda _: RoundRobin(),
    "consistent-hashing": lambda row: ConsistentHashing(int(row.get("slots") or 10000)),
    "least-connections": lambda _: LeastConnections(),
    "latency": lambda _: LeastLatency(),
}


class Balancer:
    """Made of the rows of an upstream and its targets; ``before`` is the upstream's last one.

    ``health`` has what is known of peers, now and later; one that it does not have is healthy.
    """

    def __init__(
        self,
        row: Row,
        targets: Sequence[Row],
        resolver: Resolver,
        health: Mapping[PeerId, PeerState],
        *,
        report: Callable[[HealthReport], object] = lambda _: None,
        before: Balancer | None = None,
    ) -> None:
        self.row = row
        self.target_rows = list(targets)
        self.id = str(row["id"])
        self.name = str(row["name"])
        self.healthy = False
        """Whether so much of the targets' weight is healthy as its threshold asks for."""
        self.peers: Sequence[Peer] = ()
        self._algorithm = _ALGORITHMS[row.get("algorithm") or "round-robin"](row)
        self.tracks = self._algorithm.tracks
        self.began = self._algorithm.began
        self.ended = self._algorithm.ended
        self.hash_input = HashInput(row)
        self.targets = TargetList(targets, resolver, self._found)
        checks = row.get("healthchecks") or {}
        self._threshold = float(checks.get("threshold") or 0)
        self.checks: PassiveChecks | None = None
        """What hears of responses and failures; None where nobody wants to know."""
        if watches(checks):
            self.checks = PassiveChecks(self.id, checks.get("passive") or {}, health, report)
        self._health = health
        self._known = {} if before is None else _copied(before.peers)
        self._found()

    def start(self) -> None:
        """Look up the targets' names and keep them up to date; needs the running loop."""
        self.targets.start()

    def close(self) -> None:
        """Look nothing up any more. Requests that have this balancer still may use it."""
        self.targets.close()

    def pick(self, value: bytes | None, failed: Collection[Peer]) -> Peer | None:
        """Return a healthy peer that has not failed; None when there is none.

        ``value`` is what is hashed of the request. Below the threshold of healthy weight there is
        no peer for anybody.
        """
        return self._algorithm.pick(value, failed) if self.healthy else None

    def renew_health(self) -> None:
        """Take over who is healthy by now."""
        changed = False
        for peer in self.peers:
            available = self._is_up(peer)
            changed = changed or available != peer.available
            peer.available = available
        if changed:
            self.arrange()

    def arrange(self) -> None:
        """Let the algorithm know what changed."""
        weighted = [peer for peer in self.peers if peer.weight > 0]
        total = sum(peer.weight for peer in weighted)
        healthy = sum(peer.weight for peer in weighted if peer.available)
        self.healthy = suffices(healthy, total, self._threshold)
        self._algorithm.arrange(weighted)

    def _is_up(self, peer: Peer) -> bool:
        return self._health.get(peer.id, PeerState.HEALTHY).up

    def _found(self) -> None:
        """Take the addresses that targets have now."""
        peers: dict[PeerId, Peer] = {}
        for address in (one for target in self.targets.targets for one in target.addresses):
            peer = Peer(address)
            if peer.id in peers:
                continue
            known = self._known.get(peer.id)
            if known is not None:
                peer = known
                peer.move(address)
            peer.available = self._is_up(peer)
            peers[peer.id] = peer
        self._known = peers
        self.peers = list(peers.values())
        self.arrange()


def _copied(peers: Iterable[Peer]) -> dict[PeerId, Peer]:
    """Return peers of their own for another balancer: the weights of these stay."""
    found = {}
    for peer in peers:
        copy = Peer(peer.address)
        copy.average = peer.average
        found[peer.id] = copy
    return found
