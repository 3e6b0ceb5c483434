# SPDX-License-Identifier: Apache-2.0
"""Proxying: a service's row compiled once into what a request needs to be passed on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from gateway.http.answers import TEXT
from gateway.http.messages import Pending, Request
from gateway.proxy.exchange import Exchange
from gateway.proxy.pool import Key, Pool
from gateway.proxy.resolver import Resolver
from gateway.proxy.tls import UpstreamTls

_STANDARD_PORTS = {"http": 80, "https": 443}


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
        self.loop = loop
        self.pool = pool or Pool()
        self.resolver = resolver or Resolver()
        self.default_type = default_type
        self.stream_buffer = stream_buffer

    def upstream(
        self, route: Mapping[str, Any], service: Mapping[str, Any], tls: UpstreamTls
    ) -> Upstream:
        """Compile flat rows; raises ``ReleaseRefused`` when certificates cannot be used."""
        return Upstream(self, route, service, tls)

    def close(self) -> None:
        """Close all idle connections, and give up names that are being looked up."""
        self.pool.close()
        self.resolver.close()


class Upstream:
    """The end of a route's chain: ``forward`` is a ``plugins.chain.Last``. Times in seconds."""

    def __init__(
        self,
        proxy: Proxy,
        route: Mapping[str, Any],
        service: Mapping[str, Any],
        tls: UpstreamTls,
    ) -> None:
        self._proxy = proxy
        host, port = str(service["host"]), int(service["port"])
        protocol = service.get("protocol") or "http"
        self.key = Key(host, port, tls.context(service) if protocol == "https" else None)
        self.retries = _or(service.get("retries"), 5)
        self.connect_timeout = _or(service.get("connect_timeout"), 60000) / 1000
        self.write_timeout = _or(service.get("write_timeout"), 60000) / 1000
        self.read_timeout = _or(service.get("read_timeout"), 60000) / 1000
        self._preserve_host = bool(route.get("preserve_host"))
        name = f"[{host}]" if ":" in host else host
        if port != _STANDARD_PORTS.get(protocol):
            name = f"{name}:{port}"
        self._host = name.encode()

    def forward(self, request: Request) -> Pending:
        """Pass the request on; ``request.match`` is set. Failures become 502, 503 or 504."""
        exchange = Exchange(self._proxy, self, request)
        exchange.begin()
        return exchange.pending

    def host_for(self, request: Request) -> bytes:
        """Return the Host for the upstream."""
        if self._preserve_host and request.host:
            return request.host
        return self._host


def _or(value: Any, default: int) -> int:
    return default if value is None else int(value)
