# SPDX-License-Identifier: Apache-2.0
"""Requests go where the fewest are under way, measured by weight."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.balancing.least_connections import LeastConnections
from tests.support.balancing import peers_of


def test_a_busy_peer_gets_no_more_while_another_is_free() -> None:
    one, two = peers = peers_of(100, 100)
    algorithm = LeastConnections()
    algorithm.arrange(peers)
    for _ in range(3):
        algorithm.began(one)
    assert [algorithm.pick(None, ()) for _ in range(3)] == [two] * 3
    for _ in range(3):
        algorithm.ended(one, 1.0)
    assert {algorithm.pick(None, ()) for _ in range(2)} == {one, two}


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=6), st.integers(1, 200))
def test_what_is_under_way_is_spread_by_weight(weights: list[int], number: int) -> None:
    peers = peers_of(*weights)
    algorithm = LeastConnections()
    algorithm.arrange(peers)
    for _ in range(number):
        peer = algorithm.pick(None, ())
        assert peer is not None
        algorithm.began(peer)
    for peer in peers:
        share = number * peer.weight / sum(weights)
        assert abs(peer.open - share) <= len(peers)


def test_idle_peers_take_turns() -> None:
    peers = peers_of(100, 100, 100)
    algorithm = LeastConnections()
    algorithm.arrange(peers)
    assert Counter(algorithm.pick(None, ()) for _ in range(9)) == dict.fromkeys(peers, 3)


def test_failed_and_unhealthy_peers_are_passed_over() -> None:
    one, two, three = peers = peers_of(1, 1, 1)
    three.available = False
    algorithm = LeastConnections()
    algorithm.arrange(peers)
    assert algorithm.pick(None, (one,)) is two
    assert algorithm.pick(None, (one, two)) is None


def test_requests_under_way_count_over_a_change_of_health() -> None:
    one, two = peers = peers_of(1, 1)
    algorithm = LeastConnections()
    algorithm.arrange(peers)
    algorithm.began(one)
    one.available = False
    algorithm.arrange(peers)
    one.available = True
    algorithm.arrange(peers)
    assert algorithm.pick(None, ()) is two
