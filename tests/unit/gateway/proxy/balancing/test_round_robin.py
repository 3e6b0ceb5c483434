# SPDX-License-Identifier: Apache-2.0
"""Each peer gets its share of any number of requests in a row."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.balancing.round_robin import RoundRobin
from tests.support.balancing import peers_of


@given(
    st.lists(st.integers(1, 65535), min_size=1, max_size=8),
    st.integers(0, 300),
    st.integers(1, 300),
)
def test_any_requests_in_a_row_are_shared_out_by_weight(
    weights: list[int], before: int, number: int
) -> None:
    peers = peers_of(*weights)
    algorithm = RoundRobin()
    algorithm.arrange(peers)
    for _ in range(before):
        algorithm.pick(None, ())
    picked = Counter(algorithm.pick(None, ()) for _ in range(number))
    for peer in peers:
        assert abs(picked[peer] - number * peer.weight / sum(weights)) <= len(peers)


def test_equal_peers_take_turns() -> None:
    algorithm = RoundRobin()
    algorithm.arrange(peers_of(100, 100, 100))
    picked = [algorithm.pick(None, ()) for _ in range(9)]
    assert picked[:3] == picked[3:6] == picked[6:]
    assert len(set(picked)) == 3


def test_failed_and_unhealthy_peers_are_passed_over() -> None:
    one, two, three = peers = peers_of(1, 1, 1)
    three.available = False
    algorithm = RoundRobin()
    algorithm.arrange(peers)
    assert {algorithm.pick(None, (one,)) for _ in range(5)} == {two}
    assert algorithm.pick(None, (one, two)) is None


def test_a_peer_that_was_passed_over_has_its_turn_next() -> None:
    one, two = peers = peers_of(1, 1)
    algorithm = RoundRobin()
    algorithm.arrange(peers)
    first = algorithm.pick(None, ())
    assert first is not None
    other = two if first is one else one
    assert algorithm.pick(None, (other,)) is first
    assert algorithm.pick(None, ()) is other


def test_without_peers_there_is_none() -> None:
    algorithm = RoundRobin()
    assert algorithm.pick(None, ()) is None
    algorithm.arrange([])
    assert algorithm.pick(None, ()) is None
