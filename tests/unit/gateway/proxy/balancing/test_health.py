# SPDX-License-Identifier: Apache-2.0
"""Counters of successes and failures, and what they make of a peer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.balancing.health import (
    HealthBook,
    PeerEvent,
    PeerState,
    limits_of,
    probes,
    watches,
)
from tests.support.balancing import upstream_row

ONE = ("10.0.0.1", "10.0.0.1", 80)
GOOD, BAD = PeerEvent.SUCCESS, PeerEvent.TCP_FAILURE


def test_a_peer_falls_at_the_limit_of_failures_and_rises_at_that_of_successes() -> None:
    book = HealthBook()
    states = []
    for event, limit in [(BAD, 3)] * 3 + [(GOOD, 2)] * 2:
        book.count(ONE, event, limit)
        states.append(book.state(ONE))
    assert states == [
        PeerState.MOSTLY_HEALTHY,
        PeerState.MOSTLY_HEALTHY,
        PeerState.UNHEALTHY,
        PeerState.MOSTLY_UNHEALTHY,
        PeerState.HEALTHY,
    ]


def test_a_success_sets_the_failures_back_and_a_failure_the_successes() -> None:
    book = HealthBook()
    for event in (BAD, BAD, GOOD, BAD, BAD, GOOD):
        book.count(ONE, event, 3)
    assert book.state(ONE).up
    book.force(ONE, healthy=False)
    for event in (GOOD, GOOD, BAD, GOOD, GOOD):
        book.count(ONE, event, 3)
    assert not book.state(ONE).up


def test_successes_that_are_not_counted_set_nothing_back() -> None:
    book = HealthBook()
    for event, limit in ((BAD, 2), (GOOD, 0), (BAD, 2)):
        book.count(ONE, event, limit)
    assert book.state(ONE) is PeerState.UNHEALTHY


def test_each_kind_of_failure_has_a_counter_of_its_own() -> None:
    book = HealthBook()
    for event in (PeerEvent.TCP_FAILURE, PeerEvent.TIMEOUT, PeerEvent.HTTP_FAILURE):
        book.count(ONE, event, 2)
    assert book.state(ONE) is PeerState.MOSTLY_HEALTHY


@given(st.lists(st.tuples(st.sampled_from(PeerEvent), st.integers(0, 3))))
def test_only_a_change_of_state_is_one(events: list[tuple[PeerEvent, int]]) -> None:
    book = HealthBook()
    for event, limit in events:
        before = book.state(ONE)
        assert book.count(ONE, event, limit) == (book.state(ONE) is not before)
        assert (ONE in book.states()) == (book.state(ONE) is not PeerState.HEALTHY)


def test_a_forced_state_starts_the_counters_anew() -> None:
    book = HealthBook()
    book.count(ONE, BAD, 2)
    assert book.force(ONE, healthy=True)
    assert not book.count(ONE, BAD, 2) or book.state(ONE) is PeerState.MOSTLY_HEALTHY


def test_peers_that_are_gone_are_forgotten() -> None:
    book = HealthBook()
    book.force(ONE, healthy=False)
    book.keep(())
    assert book.states() == {}


def test_by_default_nothing_is_checked() -> None:
    checks = upstream_row()["healthchecks"]
    assert not probes(checks)
    assert not watches(checks)
    assert set(limits_of(checks["passive"]).values()) == {0}


def test_either_interval_has_peers_probed() -> None:
    for side in ("healthy", "unhealthy"):
        checks = upstream_row(healthchecks={"active": {side: {"interval": 0.5}}})["healthchecks"]
        assert probes(checks)
        assert watches(checks)


def test_passive_checks_are_on_when_something_makes_a_peer_unhealthy() -> None:
    bad = upstream_row(healthchecks={"passive": {"unhealthy": {"timeouts": 1}}})["healthchecks"]
    good = upstream_row(healthchecks={"passive": {"healthy": {"successes": 1}}})["healthchecks"]
    assert watches(bad)
    assert not probes(bad)
    assert not watches(good)
