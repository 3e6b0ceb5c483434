# SPDX-License-Identifier: Apache-2.0
"""Proxying: requests to the upstreams of a worker's routes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gateway.http.generated_responses import TEXT
from gateway.http.messages import Pending, Request
from gateway.outgoing.pool import Pool
from gateway.proxy.balancing.balancer import Balancer
from gateway.proxy.balancing.balancers import Balancers
from gateway.proxy.balancing.exchange import BalancedExchange
from gateway.proxy.balancing.upstream import BalancedUpstream
from gateway.proxy.context import ProxyContext
from gateway.proxy.exchange import Exchange
from gateway.proxy.resolver import Resolver
from gateway.proxy.tls import UpstreamTls
from gateway.proxy.upstream import ProxyUpstream


class Proxy:
    """One per worker; connections and addresses live on over configuration swaps."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        pool: Pool | None = None,
        resolver: Resolver | None = None,
        default_type: bytes = TEXT,
        stream_buffer: int = 262144,
    ) -> None:
        self.pool = pool or Pool()
        self._resolver = resolver or Resolver()
        self.balancers = Balancers(self._resolver)
        self._context = ProxyContext(loop, self.pool, self._resolver, default_type, stream_buffer)

    def upstream(
        self, route: Mapping[str, Any], service: Mapping[str, Any], tls: UpstreamTls
    ) -> ProxyUpstream:
        """Compile flat rows; raises ``ReleaseRefused`` when certificates cannot be used."""
        return ProxyUpstream(route, service, tls)

    def forward(self, upstream: ProxyUpstream, request: Request) -> Pending:
        """Pass the request on; ``request.match`` is set. Failures become 502, 503 or 504."""
        exchange = Exchange(self._context, upstream, request)
        exchange.begin()
        return exchange.pending

    def balanced(
        self,
        route: Mapping[str, Any],
        service: Mapping[str, Any],
        tls: UpstreamTls,
        balancer: Balancer,
    ) -> BalancedUpstream:
        """Compile flat rows, the service's host being the name of the balancer's upstream.

        Raises ``ReleaseRefused`` when certificates cannot be used.
        """
        return BalancedUpstream(route, service, tls, balancer)

    def balance(self, upstream: BalancedUpstream, request: Request) -> Pending:
        """Pass the request on to a peer of the balancer's choice; see ``forward``."""
        exchange = BalancedExchange(self._context, upstream, request)
        exchange.begin()
        return exchange.pending

    def sender(
        self,
        route: Mapping[str, Any],
        service: Mapping[str, Any],
        tls: UpstreamTls,
        balancers: Mapping[str, Balancer],
    ) -> Callable[[Request], Pending]:
        """Return what passes the requests of a route on: the end of its chain.

        Raises ``ReleaseRefused`` when certificates cannot be used.
        """
        balancer = balancers.get(service["host"])
        if balancer is None:
            return partial(self.forward, self.upstream(route, service, tls))
        return partial(self.balance, self.balanced(route, service, tls, balancer))

    def close(self) -> None:
        """Close all idle connections, and give up names that are being looked up."""
        self.balancers.close()
        self.pool.close()
        self._resolver.close()
