# SPDX-License-Identifier: Apache-2.0
"""What all algorithms have in common."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.balancing.algorithm import Algorithm
from gateway.proxy.balancing.consistent_hashing import ConsistentHashing
from gateway.proxy.balancing.latency import LeastLatency
from gateway.proxy.balancing.least_connections import LeastConnections
from gateway.proxy.balancing.round_robin import RoundRobin
from tests.support.balancing import peers_of

ALGORITHMS: list[Callable[[], Algorithm]] = [
    RoundRobin,
    lambda: ConsistentHashing(1000),
    LeastConnections,
    LeastLatency,
]


@pytest.mark.parametrize("make", ALGORITHMS)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.booleans()), max_size=6),
    st.none() | st.binary(max_size=4),
)
def test_whichever_is_picked_is_healthy_and_has_not_failed(
    make: Callable[[], Algorithm], facts: list[tuple[int, bool, bool]], value: bytes | None
) -> None:
    peers = peers_of(*(weight for weight, _, _ in facts))
    failed = []
    for peer, (_, available, has_failed) in zip(peers, facts, strict=True):
        peer.available = available
        failed += [peer] if has_failed else []
    algorithm = make()
    algorithm.arrange(peers)
    able = {peer for peer in peers if peer.available and peer not in failed}
    for _ in range(5):
        picked = algorithm.pick(value, failed)
        assert (picked in able) if able else picked is None
        if picked is not None:
            algorithm.began(picked)
            algorithm.ended(picked, 0.1)
