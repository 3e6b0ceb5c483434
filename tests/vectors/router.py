# SPDX-License-Identifier: Apache-2.0
"""Vectors of the router: which route a request gets, and what is sent upstream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.http.headers import Headers
from gateway.http.messages import Request
from gateway.proxy.headers import request_head
from gateway.routing.router import Match, Router
from tests.support.requests import StandInConnection, request_of, route_row
from tests.vectors.served import SERVED, served_problems


def replay_router(document: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Replay ``vectors`` on the ``route_sets`` that they point to."""
    rows = [[_row(route) for route in routes] for routes in document["route_sets"]]
    routers = [Router(routes) for routes in rows]
    for vector in document["vectors"]:
        if vector["flavors"] == "traditional":
            continue
        number = vector["route_set"]
        problems = list(_problems(routers[number], rows[number], vector))
        yield vector["id"], "; ".join(problems) or None


def _row(route: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in route.items() if name != "service_host"}
    row = route_row(**fields)
    if "service_host" in route:
        row["service"] |= {"host": route["service_host"], "port": 80}
    return row


def _request(vector: dict[str, Any]) -> Request:
    given = vector["request"]
    headers: Headers = []
    for name, values in given.get("headers", {}).items():
        for value in values if isinstance(values, list) else [values]:
            headers.append((name.lower().encode(), value.encode()))
    host = given.get("host")
    return request_of(
        given["uri"].encode(),
        method=given["method"].encode(),
        host=None if host is None else host.encode(),
        headers=headers,
        connection=StandInConnection(given.get("scheme", "http"), given.get("sni")),
    )


def _match(router: Router, request: Request, raw: bool) -> Match | None:
    if not raw:
        return router.match(request)
    subject = router.subject(request)
    subject.path = request.path
    return router.find(subject)


def _problems(
    router: Router, routes: list[dict[str, Any]], vector: dict[str, Any]
) -> Iterator[str]:
    request, expect = _request(vector), vector["expect"]
    match = _match(router, request, vector["request"].get("raw", False))
    if "route" in expect:
        name = None if match is None else match.route["name"]
        if name != expect["route"]:
            yield f"route {name}, not {expect['route']}"
    if match is not None:
        yield from _path_problems(match, request, expect)
    if not SERVED.isdisjoint(expect):
        yield from served_problems(routes, vector["request"], expect)


def _path_problems(match: Match, request: Request, expect: dict[str, Any]) -> Iterator[str]:
    if "upstream_uri" in expect:
        head = request_head(request, match.upstream_path, b"", None, b"")
        target = head.split(b" ", 2)[1]
        if target != expect["upstream_uri"].encode():
            yield f"upstream uri {target!r}, not {expect['upstream_uri']}"
    if "prefix" in expect:
        prefix = None if match.prefix is None else match.prefix.decode()
        if prefix != expect["prefix"]:
            yield f"prefix {prefix}, not {expect['prefix']}"
    for name, value in expect.get("captures", {}).items():
        found = match.captures.get(name, b"(no such group)")
        if found != (None if value is None else value.encode()):
            yield f"capture {name} is {found!r}, not {value}"
