# SPDX-License-Identifier: Apache-2.0
"""Requests that come over a protocol their route does not serve."""

from __future__ import annotations

import pytest

from gateway.routing.protocols import protocol_mismatch, split_host_port
from gateway.routing.router import Router
from tests.support.requests import request_of, route_row


def _https_route(status: int = 426) -> dict[str, object]:
    return route_row(paths=["/"], protocols=["https"], https_redirect_status_code=status)


def test_an_https_only_route_asks_for_the_upgrade() -> None:
    found = protocol_mismatch(_https_route(), request_of(host=b"a.b"))
    assert found is not None
    assert (found.status, found.message) == (426, "Please use HTTPS protocol")
    assert dict(found.headers) == {b"connection": b"Upgrade", b"upgrade": b"TLS/1.2, HTTP/1.1"}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_an_https_only_route_redirects_with_the_raw_target(status: int) -> None:
    request = request_of(b"/a%2e//b?x=%20", host=b"A.Example:8000")
    found = protocol_mismatch(_https_route(status), request)
    assert found is not None
    assert found.status == status
    assert found.headers == ((b"location", b"https://a.example/a%2e//b?x=%20"),)


def test_the_forwarded_protocol_and_host_decide() -> None:
    request = request_of(host=b"inner")
    request.forwarded_host = b"outer.example:443"
    found = protocol_mismatch(_https_route(301), request)
    assert found is not None
    assert dict(found.headers)[b"location"] == b"https://outer.example/"
    request.forwarded_proto = "https"
    assert protocol_mismatch(_https_route(301), request) is None


def test_a_route_that_lists_http_never_asks() -> None:
    match = Router([route_row(paths=["/"])]).match(request_of())
    assert match is not None
    assert not match.checks_protocol


@pytest.mark.parametrize(
    ("protocols", "content_type", "version", "scheme", "status"),
    [
        (["grpc"], b"application/json", "1.1", "http", 415),
        (["grpc"], b"application/grpc", "1.1", "http", 426),
        (["grpcs"], b"application/grpc+proto", "2", "http", 200),
        (["grpcs"], b"application/grpc", "2", "https", None),
        (["grpc", "grpcs"], b"application/grpc", "2", "http", None),
    ],
)
def test_grpc_routes_refuse_what_is_not_grpc(
    protocols: list[str], content_type: bytes, version: str, scheme: str, status: int | None
) -> None:
    route = route_row(paths=["/"], protocols=protocols)
    request = request_of(headers=[(b"content-type", content_type)], version=version)
    request.forwarded_proto = scheme
    found = protocol_mismatch(route, request)
    assert (None if found is None else found.status) == status


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (b"A.b:80", (b"a.b", 80)),
        (b"a.b", (b"a.b", None)),
        (b"[::1]:8000", (b"[::1]", 8000)),
        (b"[::1]", (b"[::1]", None)),
        (b"a.b:", (b"a.b:", None)),
    ],
)
def test_host_values_split(value: bytes, parts: tuple[bytes, int | None]) -> None:
    assert split_host_port(value) == parts
