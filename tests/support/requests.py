# SPDX-License-Identifier: Apache-2.0
"""Route rows, requests and subjects with little to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from gateway.http.headers import Headers
from gateway.http.messages import Request
from gateway.routing.conditions import Subject


class StandInConnection:
    """What a request knows of its connection, without a socket."""

    def __init__(self, scheme: str = "http", sni: str | None = None, port: int = 8000) -> None:
        self.scheme = scheme
        self.peer = ("127.0.0.1", 40000)
        self.here = "127.0.0.1"
        self.has_asked = False
        self.server_port = port
        self.sni = sni
        self.tls: tuple[str, str] | None = None
        self.client_certificate: bytes | None = None
        self.client_chain: list[bytes] = []


def request_of(
    target: bytes = b"/",
    *,
    method: bytes = b"GET",
    host: bytes | None = None,
    headers: Headers | None = None,
    connection: StandInConnection | None = None,
    version: str = "1.1",
) -> Request:
    """Make a request as the server would."""
    request = Request(
        connection or StandInConnection(), method, target, version, headers or [], 0.0
    )
    request.host = host
    return request


def subject_of(
    *,
    path: bytes = b"/",
    method: bytes = b"GET",
    host: bytes | None = None,
    port: int = 8000,
    headers: dict[bytes, list[bytes]] | None = None,
    sni: bytes | None = None,
    tls: bool = False,
) -> Subject:
    """Make what routes are compared with."""
    return Subject(method, path, host, port, headers or {}, tls, sni)


def route_row(
    *,
    service: dict[str, Any] | str | None = "",
    service_path: str | None = None,
    service_enabled: bool = True,
    protocols: Sequence[str] = ("http", "https"),
    **fields: Any,
) -> dict[str, Any]:
    """Make a flat route row with its service's row; fields that are not given have defaults."""
    if isinstance(service, str):
        service = {"id": str(uuid4()), "path": service_path, "enabled": service_enabled}
    defaults = {
        "id": str(uuid4()),
        "name": None,
        "methods": None,
        "hosts": None,
        "paths": None,
        "headers": None,
        "snis": None,
        "strip_path": True,
        "regex_priority": 0,
        "https_redirect_status_code": 426,
        "preserve_host": False,
    }
    return {**defaults, **fields, "protocols": list(protocols), "service": service}
