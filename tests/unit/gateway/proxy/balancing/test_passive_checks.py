# SPDX-License-Identifier: Apache-2.0
"""Requests report what may change a peer's health, and nothing else."""

from __future__ import annotations

from typing import Any

from gateway.proxy.balancing.health import PeerEvent, PeerState
from gateway.proxy.balancing.passive_checks import HealthReport, PassiveChecks
from gateway.proxy.balancing.peer import PeerId
from tests.support.balancing import peers_of, upstream_row

ALL = {"http_failures": 1, "tcp_failures": 1, "timeouts": 1}


def events(
    state: PeerState = PeerState.HEALTHY, *, successes: int = 1, **checks: Any
) -> list[PeerEvent]:
    """Return what a 200, a 404, a 500, a 503, a broken connection and a timeout report."""
    (peer,) = peers_of(1)
    made = {"unhealthy": ALL, "healthy": {"successes": successes}, **checks}
    row = upstream_row(healthchecks={"passive": made})["healthchecks"]["passive"]
    found: list[HealthReport] = []
    states: dict[PeerId, PeerState] = {peer.id: state}
    passive = PassiveChecks("u", row, states, found.append)
    for status in (200, 404, 500, 503):
        passive.responded(peer, status)
    passive.failed(peer, timeout=False)
    passive.failed(peer, timeout=True)
    assert all((one.upstream, one.peer) == ("u", peer.id) for one in found)
    return [one.event for one in found]


BAD = [
    PeerEvent.HTTP_FAILURE,
    PeerEvent.HTTP_FAILURE,
    PeerEvent.TCP_FAILURE,
    PeerEvent.TIMEOUT,
]


def test_a_healthy_peer_has_only_its_failures_reported() -> None:
    assert events() == BAD


def test_an_unhealthy_one_only_its_successes() -> None:
    assert events(PeerState.UNHEALTHY) == [PeerEvent.SUCCESS]


def test_one_in_between_has_both() -> None:
    for state in (PeerState.MOSTLY_HEALTHY, PeerState.MOSTLY_UNHEALTHY):
        assert events(state) == [PeerEvent.SUCCESS, *BAD]


def test_what_has_no_limit_is_not_reported() -> None:
    assert events(PeerState.MOSTLY_HEALTHY, successes=0) == BAD
    assert events(unhealthy={"timeouts": 1}) == [PeerEvent.TIMEOUT]


def test_statuses_count_as_configured() -> None:
    assert events(unhealthy={**ALL, "http_statuses": [404]})[:1] == [PeerEvent.HTTP_FAILURE]
    assert len(events(unhealthy={**ALL, "http_statuses": [404]})) == 3


def test_of_the_type_tcp_statuses_do_not_count() -> None:
    assert events(PeerState.MOSTLY_HEALTHY, type="tcp") == BAD[2:]
