# SPDX-License-Identifier: Apache-2.0
"""Which peers of an upstream are healthy: counters of successes and failures, and their limits.

The rules are those of Kong (lua-resty-healthcheck, ``lib/resty/healthcheck.lua``, incr_counter).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from gateway.proxy.balancing.peer import PeerId


class PeerState(StrEnum):
    """How a peer stands; those in the middle are counted for the other side already."""

    HEALTHY = "healthy"
    MOSTLY_HEALTHY = "mostly_healthy"
    UNHEALTHY = "unhealthy"
    MOSTLY_UNHEALTHY = "mostly_unhealthy"

    @property
    def up(self) -> bool:
        """Whether requests go there."""
        return self in _UP


_UP = frozenset((PeerState.HEALTHY, PeerState.MOSTLY_HEALTHY))


class PeerEvent(StrEnum):
    """What is counted of a peer: each has a limit of its own."""

    SUCCESS = "success"
    HTTP_FAILURE = "http_failure"
    TCP_FAILURE = "tcp_failure"
    TIMEOUT = "timeout"

    @property
    def sought(self) -> PeerState:
        """What it leads to at its limit; in that state it is not counted."""
        return PeerState.HEALTHY if self is PeerEvent.SUCCESS else PeerState.UNHEALTHY


class _Count:
    __slots__ = ("counters", "state")

    def __init__(self, state: PeerState) -> None:
        self.state = state
        self.counters: dict[PeerEvent, int] = {}


class HealthBook:
    """The peers of one upstream; one that nothing was counted of is healthy.

    A failure sets the successes back to none, a success all failures. Active and passive checks
    count together, each up to its own limit.
    """

    def __init__(self) -> None:
        self._peers: dict[PeerId, _Count] = {}

    def state(self, peer: PeerId) -> PeerState:
        """Return how a peer stands."""
        known = self._peers.get(peer)
        return PeerState.HEALTHY if known is None else known.state

    def count(self, peer: PeerId, event: PeerEvent, limit: int) -> bool:
        """Count once, nothing where ``limit`` is 0; tell whether the state is another now."""
        if limit <= 0:
            return False
        known = self._peers.setdefault(peer, _Count(PeerState.HEALTHY))
        if event.sought is known.state:
            return False
        success = event is PeerEvent.SUCCESS
        counters = {
            one: number
            for one, number in known.counters.items()
            if (one is PeerEvent.SUCCESS) is success
        }
        counters[event] = number = counters.get(event, 0) + 1
        known.counters = counters
        before = known.state
        if number >= limit:
            known.state = event.sought
        elif before is PeerState.HEALTHY:
            known.state = PeerState.MOSTLY_HEALTHY
        elif before is PeerState.UNHEALTHY:
            known.state = PeerState.MOSTLY_UNHEALTHY
        return known.state is not before

    def force(self, peer: PeerId, *, healthy: bool) -> bool:
        """Set a peer's state, and all its counters to none; tell whether it is another now."""
        before = self.state(peer)
        state = PeerState.HEALTHY if healthy else PeerState.UNHEALTHY
        self._peers[peer] = _Count(state)
        return state is not before

    def keep(self, peers: Collection[PeerId]) -> None:
        """Forget all others."""
        self._peers = {peer: known for peer, known in self._peers.items() if peer in peers}

    def states(self) -> Mapping[PeerId, PeerState]:
        """Return the peers that are not simply healthy."""
        return {
            peer: known.state
            for peer, known in self._peers.items()
            if known.state is not PeerState.HEALTHY
        }


def limits_of(checks: Mapping[str, Any]) -> dict[PeerEvent, int]:
    """Return the limits of active or passive checks: how many of each change a peer's state."""
    healthy, unhealthy = checks.get("healthy") or {}, checks.get("unhealthy") or {}
    return {
        PeerEvent.SUCCESS: int(healthy.get("successes") or 0),
        PeerEvent.HTTP_FAILURE: int(unhealthy.get("http_failures") or 0),
        PeerEvent.TCP_FAILURE: int(unhealthy.get("tcp_failures") or 0),
        PeerEvent.TIMEOUT: int(unhealthy.get("timeouts") or 0),
    }


def probes(checks: Mapping[str, Any]) -> bool:
    """Whether an upstream's ``healthchecks`` have its peers probed."""
    active = checks.get("active") or {}
    return any((active.get(side) or {}).get("interval") for side in ("healthy", "unhealthy"))


def watches(checks: Mapping[str, Any]) -> bool:
    """Whether the health of an upstream's peers is found out at all.

    As with Kong, passive checks alone are on when something makes a peer unhealthy
    (``kong/runloop/balancer/healthcheckers.lua``, 3.10).
    """
    limits = limits_of(checks.get("passive") or {})
    return probes(checks) or any(
        limits[event] for event in PeerEvent if event is not PeerEvent.SUCCESS
    )


def suffices(available: float, total: float, threshold: float) -> bool:
    """Whether so much of an upstream's weight is healthy as its ``threshold`` asks, in percent."""
    return total > 0 and available / total * 100 > threshold
