# SPDX-License-Identifier: Apache-2.0
"""Addresses behind targets."""

from __future__ import annotations

from gateway.proxy.balancing.peer import Peer, TargetAddress


def test_an_address_is_shown_with_its_port() -> None:
    assert TargetAddress("a", "10.0.0.1", 80, 1).shown == "10.0.0.1:80"
    assert TargetAddress("a", "::1", 80, 1).shown == "[::1]:80"


def test_a_peer_keeps_its_identity_when_its_weight_changes() -> None:
    peer = Peer(TargetAddress("a", "10.0.0.1", 80, 1))
    peer.average = 0.5
    peer.move(TargetAddress("a", "10.0.0.1", 80, 7, "srv"))
    assert (peer.id, peer.weight, peer.average) == (("a", "10.0.0.1", 80), 7, 0.5)
