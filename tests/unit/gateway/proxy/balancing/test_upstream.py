# SPDX-License-Identifier: Apache-2.0
"""Where a request to a peer goes, and under which Host."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.proxy.balancing.balancer import Balancer
from gateway.proxy.balancing.peer import Peer, TargetAddress
from gateway.proxy.balancing.upstream import BalancedUpstream
from gateway.proxy.resolver import Resolver
from gateway.proxy.tls import UpstreamTls
from tests.support.balancing import NAME, upstream_row

NAMED = TargetAddress("a.test", "192.0.2.1", 8080, 1)


def balanced(service: dict[str, Any] | None = None, **fields: Any) -> BalancedUpstream:
    balancer = Balancer(upstream_row(**fields), [], Resolver(), {})
    row = {"host": NAME, "port": 9999, **(service or {})}
    return BalancedUpstream({}, row, UpstreamTls(), balancer)


@pytest.mark.parametrize(
    ("address", "fields", "host"),
    [
        (NAMED, {}, b"a.test:8080"),
        (NAMED._replace(port=80), {}, b"a.test"),
        (TargetAddress("10.0.0.1", "10.0.0.1", 81, 1), {}, b"10.0.0.1:81"),
        (TargetAddress("::1", "::1", 81, 1), {}, b"[::1]:81"),
        (NAMED, {"host_header": "own.test"}, b"own.test:8080"),
        (NAMED._replace(port=80), {"host_header": "own.test"}, b"own.test"),
        (NAMED, {"host_header": "own.test:99"}, b"own.test:99"),
        (NAMED._replace(name="srv.test"), {}, b"a.test:8080"),
        (NAMED._replace(name="srv.test"), {"use_srv_name": True}, b"srv.test:8080"),
        (NAMED, {"use_srv_name": True}, b"a.test:8080"),
    ],
)
def test_the_host_is_the_targets_or_the_upstreams(
    address: TargetAddress, fields: dict[str, Any], host: bytes
) -> None:
    assert balanced(**fields).destination(Peer(address)).host == host


def test_with_tls_the_standard_port_is_another() -> None:
    upstream = balanced({"protocol": "https"})
    assert upstream.destination(Peer(NAMED._replace(port=443))).host == b"a.test"
    assert upstream.destination(Peer(NAMED._replace(port=80))).host == b"a.test:80"


def test_the_name_that_is_verified_is_that_of_the_host() -> None:
    key = balanced({"protocol": "https"}).destination(Peer(NAMED)).key
    assert (key.host, key.port, key.address) == ("a.test", 8080, "192.0.2.1")
    key = balanced({"protocol": "https"}, host_header="own.test:99").destination(Peer(NAMED)).key
    assert (key.host, key.port, key.address) == ("own.test", 8080, "192.0.2.1")


def test_without_tls_connections_serve_all_names_of_an_address() -> None:
    cases: list[dict[str, Any]] = [{}, {"host_header": "own.test"}]
    keys = {balanced(**fields).destination(Peer(NAMED)).key for fields in cases}
    assert len(keys) == 1


def test_a_destination_is_made_once_and_anew_for_another_name() -> None:
    upstream = balanced(use_srv_name=True)
    peer = Peer(NAMED)
    first = upstream.destination(peer)
    assert upstream.destination(peer) is first
    peer.move(NAMED._replace(name="srv.test"))
    assert upstream.destination(peer).host == b"srv.test:8080"


def test_what_peers_leave_behind_does_not_pile_up() -> None:
    upstream = balanced()
    for number in range(100):
        upstream.destination(Peer(NAMED._replace(port=number + 1)))
    assert len(upstream._destinations) < 5
