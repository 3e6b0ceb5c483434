# SPDX-License-Identifier: Apache-2.0
"""A value stays with its peer: over workers, and when other peers come, go or fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.proxy.balancing.consistent_hashing import ConsistentHashing
from gateway.proxy.balancing.peer import Peer
from tests.support.balancing import peers_of

KEYS = [b"key-%d" % number for number in range(2000)]


def ring(peers: Sequence[Peer], slots: int = 10000) -> ConsistentHashing:
    made = ConsistentHashing(slots)
    made.arrange(peers)
    return made


def placed(algorithm: ConsistentHashing) -> dict[bytes, object]:
    found: dict[bytes, object] = {}
    for key in KEYS:
        peer = algorithm.pick(key, ())
        assert peer is not None
        found[key] = peer.id
    return found


def test_every_worker_comes_to_the_same_peer_in_whichever_order_it_has_them() -> None:
    peers = peers_of(100, 50, 25)
    assert placed(ring(peers)) == placed(ring(peers_of(100, 50, 25)[::-1]))


@settings(max_examples=20)
@given(st.integers(2, 12), st.data())
def test_only_the_keys_of_a_peer_that_goes_move(count: int, data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, count - 1))
    peers = peers_of(*[100] * count)
    before = placed(ring(peers))
    after = placed(ring([peer for peer in peers if peer is not peers[gone]]))
    moved = {key for key in KEYS if before[key] != after[key]}
    assert moved == {key for key in KEYS if before[key] == peers[gone].id}


def test_the_keys_of_an_unhealthy_peer_come_back_with_it() -> None:
    peers = peers_of(100, 100, 100)
    algorithm = ring(peers)
    before = placed(algorithm)
    peers[1].available = False
    algorithm.arrange(peers)
    during = placed(algorithm)
    assert peers[1].id not in during.values()
    assert all(during[key] == before[key] for key in KEYS if before[key] != peers[1].id)
    peers[1].available = True
    algorithm.arrange(peers)
    assert placed(algorithm) == before


def test_a_retry_goes_on_round_the_ring() -> None:
    peers = peers_of(100, 100, 100)
    algorithm = ring(peers)
    first = algorithm.pick(b"a", ())
    assert first is not None
    second = algorithm.pick(b"a", (first,))
    assert second is not None
    third = algorithm.pick(b"a", (first, second))
    assert {first, second, third} == set(peers)
    assert algorithm.pick(b"a", peers) is None


@pytest.mark.parametrize("weights", [(100, 100), (300, 100, 100), (1, 1, 2, 4)])
def test_shares_are_about_the_weights(weights: tuple[int, ...]) -> None:
    peers = peers_of(*weights)
    shares = Counter(placed(ring(peers)).values())
    for peer in peers:
        share = shares[peer.id] / len(KEYS)
        assert share == pytest.approx(peer.weight / sum(weights), rel=0.45)


def test_more_peers_than_slots_all_have_a_place() -> None:
    peers = peers_of(*[1] * 200)
    for number, peer in enumerate(peers):
        peer.id = ("host", f"10.0.{number}.1", 80)
    algorithm = ring(peers, slots=10)
    assert len(set(placed(algorithm).values())) > 150


def test_requests_without_a_value_take_turns() -> None:
    peers = peers_of(100, 100)
    algorithm = ring(peers)
    assert Counter(algorithm.pick(None, ()) for _ in range(10)) == {peers[0]: 5, peers[1]: 5}


def test_without_peers_there_is_none() -> None:
    assert ring([]).pick(b"a", ()) is None
    assert ring([]).pick(None, ()) is None
