# SPDX-License-Identifier: Apache-2.0
"""The response to a request that came over a protocol which its route does not serve.

A route's ``protocols`` never decide whether it matches (Kong 3.10, kong/runloop/handler.lua): an
https-only route that is hit by plain http is found, and then redirects or asks for the upgrade.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.http.messages import Request


@dataclass(frozen=True)
class Mismatch:
    """The response to send instead of serving the route: ``message`` is None for an empty body."""

    status: int
    message: str | None
    headers: tuple[tuple[bytes, bytes], ...]


_USE_HTTPS = Mismatch(
    426,
    "Please use HTTPS protocol",
    ((b"connection", b"Upgrade"), (b"upgrade", b"TLS/1.2, HTTP/1.1")),
)
_USE_HTTP2 = Mismatch(
    426,
    "Please use HTTP2 protocol",
    ((b"connection", b"Upgrade"), (b"upgrade", b"HTTP/2")),
)
_NOT_GRPC = Mismatch(415, "Non-gRPC request matched gRPC route", ())
_USE_GRPCS = Mismatch(
    200,
    None,
    (
        (b"content-type", b"application/grpc"),
        (b"grpc-status", b"1"),
        (b"grpc-message", b"gRPC request matched gRPCs route"),
    ),
)


def protocol_mismatch(route: Mapping[str, Any], request: Request) -> Mismatch | None:
    """Return the response to a request that the matched route does not serve, or None.

    Call it only when ``match.checks_protocol`` is set. The decision uses the forwarded protocol
    and host, which count only from trusted peers; ``Location`` carries the raw target.
    """
    protocols = route["protocols"]
    if "https" in protocols and "http" not in protocols and request.forwarded_proto != "https":
        return _https_mismatch(route, request)
    if "grpc" in protocols or "grpcs" in protocols:
        return _grpc_mismatch(protocols, request)
    return None


def _https_mismatch(route: Mapping[str, Any], request: Request) -> Mismatch:
    status = route.get("https_redirect_status_code") or 426
    if status == 426:
        return _USE_HTTPS
    host, _ = split_host_port(request.forwarded_host or request.host or b"")
    return Mismatch(status, None, ((b"location", b"https://" + host + request.target),))


def _grpc_mismatch(protocols: Sequence[str], request: Request) -> Mismatch | None:
    content_type = request.header(b"content-type") or b""
    if not content_type.startswith(b"application/grpc"):
        return _NOT_GRPC
    if not request.version.startswith("2"):
        return _USE_HTTP2
    if "grpc" not in protocols and request.forwarded_proto != "https":
        return _USE_GRPCS
    return None


def split_host_port(value: bytes) -> tuple[bytes, int | None]:
    """Split a Host value into the lower-cased name and the port, None when there is none."""
    host, colon, port = value.rpartition(b":")
    if colon and port.isdigit() and (b":" not in host or host[-1:] == b"]"):
        return host.lower(), int(port)
    return value.lower(), None
