# SPDX-License-Identifier: Apache-2.0
"""A service's row, compiled once into what a request needs to be passed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.http.messages import Request
from gateway.names.addresses import bare_host
from gateway.outgoing.connection import ConnectionKey
from gateway.proxy.tls import UpstreamTls

_STANDARD_PORTS = {"http": 80, "https": 443}


class ProxyUpstream:
    """Where and how the requests of a route are sent on; times in seconds.

    Raises ``ReleaseRefused`` when certificates cannot be used.
    """

    def __init__(
        self, route: Mapping[str, Any], service: Mapping[str, Any], tls: UpstreamTls
    ) -> None:
        host, port = bare_host(str(service["host"])), int(service["port"])
        self.protocol: str = service.get("protocol") or "http"
        context = tls.context(service) if self.protocol == "https" else None
        self.key = ConnectionKey(host, port, context)
        self.retries = _or(service.get("retries"), 5)
        self.connect_timeout = _or(service.get("connect_timeout"), 60000) / 1000
        self.write_timeout = _or(service.get("write_timeout"), 60000) / 1000
        self.read_timeout = _or(service.get("read_timeout"), 60000) / 1000
        self.preserve_host = bool(route.get("preserve_host"))
        self._host = written_host(host, port, self.protocol).encode()

    def host_for(self, request: Request) -> bytes:
        """Return the Host for the upstream."""
        if self.preserve_host and request.host:
            return request.host
        return self._host


def written_host(host: str, port: int, protocol: str) -> str:
    """Return a Host, with the port unless it is the protocol's own."""
    name = f"[{host}]" if ":" in host else host
    return name if port == _STANDARD_PORTS.get(protocol) else f"{name}:{port}"


def _or(value: Any, default: int) -> int:
    return default if value is None else int(value)
