# SPDX-License-Identifier: Apache-2.0
"""Passive checks: what ordinary requests tell of the peers that they went to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.proxy.balancing.health import PeerEvent, PeerState, limits_of
from gateway.proxy.balancing.peer import Peer, PeerId


class HealthReport(NamedTuple):
    """Something that counts for the health of a peer of an upstream."""

    upstream: str
    """The upstream's id."""
    peer: PeerId
    event: PeerEvent


class PassiveChecks:
    """Reports only what may change the peer's state, so that a healthy upstream causes no reports.

    ``checks`` is the upstream's ``healthchecks.passive``, ``states`` what is known of its peers.
    """

    def __init__(
        self,
        upstream: str,
        checks: Mapping[str, Any],
        states: Mapping[PeerId, PeerState],
        report: Callable[[HealthReport], object],
    ) -> None:
        self._upstream = upstream
        self._states = states
        self._report = report
        self._limits = limits_of(checks)
        # Of the type "tcp" connections count, not what comes through them.
        http = checks.get("type") != "tcp"
        self._good = _statuses(checks.get("healthy"), http)
        self._bad = _statuses(checks.get("unhealthy"), http)

    def responded(self, peer: Peer, status: int) -> None:
        """Take a response's status."""
        if status in self._good:
            self._count(peer, PeerEvent.SUCCESS)
        elif status in self._bad:
            self._count(peer, PeerEvent.HTTP_FAILURE)

    def failed(self, peer: Peer, *, timeout: bool) -> None:
        """Take a failed attempt: it took too long, or the connection failed or broke."""
        self._count(peer, PeerEvent.TIMEOUT if timeout else PeerEvent.TCP_FAILURE)

    def _count(self, peer: Peer, event: PeerEvent) -> None:
        if self._limits[event]:
            state = self._states.get(peer.id, PeerState.HEALTHY)
            if state is not event.sought:
                self._report(HealthReport(self._upstream, peer.id, event))


def _statuses(checks: Mapping[str, Any] | None, http: bool) -> frozenset[int]:
    return frozenset((checks or {}).get("http_statuses") or ()) if http else frozenset()
