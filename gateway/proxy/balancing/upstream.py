# SPDX-License-Identifier: Apache-2.0
"""A route whose service names an upstream: what is fixed about each peer, worked out once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.entities.hosts import split_port
from gateway.names.addresses import is_address
from gateway.outgoing.connection import ConnectionKey
from gateway.proxy.balancing.balancer import Balancer
from gateway.proxy.balancing.peer import Peer
from gateway.proxy.tls import UpstreamTls
from gateway.proxy.upstream import ProxyUpstream, written_host


class PeerDestination(NamedTuple):
    """Where a request to a peer goes, and under which Host."""

    key: ConnectionKey
    host: bytes


class BalancedUpstream(ProxyUpstream):
    """Where the requests of a route are sent on when a balancer chooses.

    The service's own port counts for nothing, its client certificate before the upstream's.
    Raises ``ReleaseRefused`` when certificates cannot be used.
    """

    def __init__(
        self,
        route: Mapping[str, Any],
        service: Mapping[str, Any],
        tls: UpstreamTls,
        balancer: Balancer,
    ) -> None:
        shown = service.get("client_certificate") or balancer.row.get("client_certificate")
        super().__init__(route, {**service, "client_certificate": shown}, tls)
        self.balancer = balancer
        self._host_header: str | None = balancer.row.get("host_header")
        self._srv_names = bool(balancer.row.get("use_srv_name"))
        self._destinations: dict[Peer, tuple[object, PeerDestination]] = {}

    def destination(self, peer: Peer) -> PeerDestination:
        """Return where a peer is; made once for each, unless DNS gives it another name."""
        known = self._destinations.get(peer)
        if known is not None and known[0] is peer.address:
            return known[1]
        if len(self._destinations) > 2 * len(self.balancer.peers):
            self._destinations.clear()
        made = self._make(peer)
        self._destinations[peer] = (peer.address, made)
        return made

    def _make(self, peer: Peer) -> PeerDestination:
        address = peer.address
        if self._host_header is not None:
            # It may bring a port of its own.
            host, port = split_port(self._host_header)
            written = self._host_header
            if port is None:
                written = written_host(host, address.port, self.protocol)
        else:
            host = (self._srv_names and address.name) or address.host
            written = written_host(host, address.port, self.protocol)
        # Without TLS the name says nothing of a connection, which then serves all of them.
        name = address.ip if self.key.tls is None or is_address(host) else host
        key = ConnectionKey(name, address.port, self.key.tls, address.ip)
        return PeerDestination(key, written.encode())
