# SPDX-License-Identifier: Apache-2.0
"""A service's row, compiled once into what a request needs to be passed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.http.messages import Request
from gateway.proxy.connection import ConnectionKey
from gateway.proxy.tls import UpstreamTls

_STANDARD_PORTS = {"http": 80, "https": 443}


class ProxyUpstream:
    """Where and how the requests of a route are sent on; times in seconds.

    Raises ``ReleaseRefused`` when certificates cannot be used.
    """

    def __init__(
        self, route: Mapping[str, Any], service: Mapping[str, Any], tls: UpstreamTls
    ) -> None:
        host, port = str(service["host"]), int(service["port"])
        protocol = service.get("protocol") or "http"
        self.key = ConnectionKey(host, port, tls.context(service) if protocol == "https" else None)
        self.retries = _or(service.get("retries"), 5)
        self.connect_timeout = _or(service.get("connect_timeout"), 60000) / 1000
        self.write_timeout = _or(service.get("write_timeout"), 60000) / 1000
        self.read_timeout = _or(service.get("read_timeout"), 60000) / 1000
        self._preserve_host = bool(route.get("preserve_host"))
        name = f"[{host}]" if ":" in host else host
        if port != _STANDARD_PORTS.get(protocol):
            name = f"{name}:{port}"
        self._host = name.encode()

    def host_for(self, request: Request) -> bytes:
        """Return the Host for the upstream."""
        if self._preserve_host and request.host:
            return request.host
        return self._host


def _or(value: Any, default: int) -> int:
    return default if value is None else int(value)
