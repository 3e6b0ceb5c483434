# SPDX-License-Identifier: Apache-2.0
"""Requests go to peers that respond fast, and now and then to the others."""

from __future__ import annotations

from collections import Counter

from gateway.proxy.balancing.latency import LeastLatency
from gateway.proxy.balancing.peer import Peer
from tests.support.balancing import peers_of


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def algorithm_of(peers: list[Peer], clock: _Clock) -> LeastLatency:
    made = LeastLatency(clock)
    made.arrange(peers)
    return made


def test_the_faster_of_two_is_chosen() -> None:
    one, two = peers = peers_of(100, 100)
    algorithm = algorithm_of(peers, _Clock())
    algorithm.ended(one, 0.5)
    algorithm.ended(two, 0.01)
    assert [algorithm.pick(None, ()) for _ in range(5)] == [two] * 5


def test_a_peer_with_twice_the_weight_may_take_twice_as_long() -> None:
    one, two = peers = peers_of(200, 100)
    algorithm = algorithm_of(peers, _Clock())
    algorithm.ended(one, 0.15)
    algorithm.ended(two, 0.1)
    assert algorithm.pick(None, ()) is one


def test_the_slowest_of_three_never_wins_against_another() -> None:
    peers = peers_of(100, 100, 100)
    algorithm = algorithm_of(peers, _Clock())
    for peer, seconds in zip(peers, (0.1, 0.2, 0.9), strict=True):
        algorithm.ended(peer, seconds)
    picked = Counter(algorithm.pick(None, ()) for _ in range(200))
    assert picked[peers[2]] == 0
    assert picked[peers[1]] > 0


def test_a_slow_response_is_forgotten() -> None:
    one, two = peers = peers_of(100, 100)
    clock = _Clock()
    algorithm = algorithm_of(peers, clock)
    algorithm.ended(one, 2.0)
    for _ in range(60):
        clock.now += 1
        algorithm.ended(two, 0.1)
    assert algorithm.pick(None, ()) is one


def test_a_new_peer_begins_with_the_average_of_the_others() -> None:
    one, two, three = peers_of(100, 100, 100)
    algorithm = algorithm_of([one, two], _Clock())
    algorithm.ended(one, 0.1)
    algorithm.ended(two, 0.3)
    algorithm.arrange([one, two, three])
    assert three.average == 0.2


def test_what_says_nothing_of_a_peer_does_not_count() -> None:
    (one,) = peers = peers_of(100)
    algorithm = algorithm_of(peers, _Clock())
    algorithm.ended(one, None)
    assert one.average is None


def test_failed_and_unhealthy_peers_are_passed_over() -> None:
    one, two, three = peers = peers_of(1, 1, 1)
    three.available = False
    algorithm = algorithm_of(peers, _Clock())
    assert algorithm.pick(None, (one,)) is two
    assert algorithm.pick(None, (one, two)) is None
