# SPDX-License-Identifier: Apache-2.0
"""Vectors that are about more than routing, replayed through the server and the proxy's rules.

The bytes of a request go into the real protocol with the real application behind it; only the
upstream is a stand-in, which keeps the head that would be sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from gateway.data_plane.counters import Counters
from gateway.data_plane.worker.application import GatewayApplication
from gateway.data_plane.worker.snapshot import Snapshot, WorkerResources
from gateway.http.messages import Pending, Request, Response
from gateway.proxy.headers import request_head
from gateway.proxy.proxy import Proxy
from gateway.proxy.upstream import ProxyUpstream
from tests.support.http import plugged, until
from tests.support.releases import compiled, table, worker_resources

Row = dict[str, Any]
Head = dict[str, str]
_PRODUCT = ("kong/", "kafka-gateway/")
"""Server names ours; everything else about the header is Kong's."""

SERVED = frozenset(
    (
        "status",
        "upstream_headers",
        "upstream_host",
        "x_forwarded_path",
        "json",
        "headers",
        "body_contains",
        "headers_match",
    )
)
"""Expectations that need the server or the proxy."""


def served_problems(routes: list[Row], given: Row, expect: Row) -> Iterator[str]:
    """Send the request of a vector and compare the answer, and what the upstream would get."""
    answer, sent = asyncio.run(_serve(routes, given))
    head, _, body = answer.partition(b"\r\n\r\n")
    if "status" in expect and int(head.split()[1]) != expect["status"]:
        yield f"status {head.split()[1].decode()}, not {expect['status']}"
    yield from _body_problems(body, expect)
    yield from _header_problems(_headers(head), expect)
    if sent is not None:
        yield from _upstream_problems(_headers(sent), expect)
    elif not {"upstream_headers", "upstream_host", "x_forwarded_path"}.isdisjoint(expect):
        yield "nothing is sent upstream"


class _KeepingProxy(Proxy):
    """A proxy that keeps the head instead of sending it."""

    heads: list[bytes]

    def forward(self, upstream: ProxyUpstream, request: Request) -> Pending:
        match = request.match
        assert match is not None
        host = upstream.host_for(request)
        self.heads.append(request_head(request, match.upstream_path, host, match.prefix, b""))
        pending = Pending()
        pending.resolve(Response(200, [], b""))
        return pending


async def _serve(routes: list[Row], given: Row) -> tuple[bytes, bytes | None]:
    loop = asyncio.get_running_loop()
    proxy = _KeepingProxy(loop)
    proxy.heads = []
    resources: WorkerResources = replace(worker_resources(), proxy=proxy)
    application = GatewayApplication(Counters())
    snapshot = await compiled(_table(routes), Snapshot.empty(), resources)
    application.serve(snapshot)
    protocol, plug = plugged(application, loop)
    protocol.data_received(_request(given))
    await until(lambda: plug.written)
    protocol.connection_lost(None)
    return plug.written, proxy.heads[0] if proxy.heads else None


def _table(routes: list[Row]) -> bytes:
    services = []
    rows = []
    for route in routes:
        service = route["service"]
        rows.append({**route, "service": None if service is None else service["id"]})
        if service is not None:
            defaults = {"protocol": "http", "host": "upstream.test", "port": 8080}
            services.append({**defaults, **service})
    return table(services=services, routes=rows)


def _request(given: Row) -> bytes:
    lines = [f"{given['method']} {given['uri']} HTTP/{given.get('http_version', '1.1')}"]
    if given.get("host_header") != "absent":
        lines.append(f"Host: {given.get('host', 'vector.test')}")
    for name, values in given.get("headers", {}).items():
        lines += [f"{name}: {v}" for v in (values if isinstance(values, list) else [values])]
    return "\r\n".join((*lines, "", "")).encode()


def _headers(head: bytes) -> Head:
    pairs = (line.partition(b": ") for line in head.split(b"\r\n\r\n")[0].split(b"\r\n")[1:])
    return {name.decode().lower(): value.decode("latin-1") for name, _, value in pairs}


def _body_problems(body: bytes, expect: Row) -> Iterator[str]:
    if expect.get("body_contains", "").encode() not in body:
        yield f"the body is {body!r}"
    for name, value in expect.get("json", {}).items():
        found = orjson.loads(body).get(name)
        if found != value:
            yield f"{name} in the body is {found}, not {value}"


def _header_problems(headers: Head, expect: Row) -> Iterator[str]:
    for name, value in expect.get("headers", {}).items():
        if headers.get(name.lower()) != value:
            yield f"header {name} is {headers.get(name.lower())}, not {value}"
    for name, pattern in expect.get("headers_match", {}).items():
        start = pattern.replace(*_PRODUCT).lstrip("^")
        if not headers.get(name.lower(), "").startswith(start):
            yield f"header {name} is {headers.get(name.lower())}, not {pattern}"


def _upstream_problems(sent: Head, expect: Row) -> Iterator[str]:
    wanted = dict(expect.get("upstream_headers", {}))
    if "x_forwarded_path" in expect:
        wanted["x-forwarded-path"] = expect["x_forwarded_path"]
    if expect.get("upstream_host") is not None:
        wanted["host"] = expect["upstream_host"]
    for name, value in wanted.items():
        if isinstance(value, str) and value.startswith("<service host>"):
            value = "upstream.test:8080"
        if sent.get(name.lower()) != value:
            yield f"upstream header {name} is {sent.get(name.lower())}, not {value}"
