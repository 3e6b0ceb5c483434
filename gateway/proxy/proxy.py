# SPDX-License-Identifier: Apache-2.0
"""Proxying: requests to the upstreams of a worker's routes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from gateway.http.generated_responses import TEXT
from gateway.http.messages import Pending, Request
from gateway.proxy.context import ProxyContext
from gateway.proxy.exchange import Exchange
from gateway.proxy.pool import Pool
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
        self._context = ProxyContext(loop, self.pool, self._resolver, default_type, stream_buffer)

    def upstream(
        self, route: Mapping[str, Any], service: Mapping[str, Any], tls: UpstreamTls
    ) -> ProxyUpstream:
        """Compile flat rows; raises ``ReleaseRefused`` when certificates cannot be used."""
        return ProxyUpstream(route, service, tls)

    def forward(self, upstream: ProxyUpstream, request: Request) -> Pending:
        """Pass the request on; ``request.match`` is set. Failures become 502, 503 or 504.

        With its first argument filled in it is the end of a route's chain.
        """
        exchange = Exchange(self._context, upstream, request)
        exchange.begin()
        return exchange.pending

    def close(self) -> None:
        """Close all idle connections, and give up names that are being looked up."""
        self.pool.close()
        self._resolver.close()
