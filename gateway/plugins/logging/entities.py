# SPDX-License-Identifier: Apache-2.0
"""Entities as log entries show them: as they are configured, without what is not set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import orjson

from gateway.entities import ENTITIES
from gateway.http.route_match import RouteMatch
from gateway.hybrid.config_table import WORKSPACE

_MOST = 4096
"""Entities that are kept: those of the routes, services and consumers in use."""
_POINTERS = frozenset(name for kind in ENTITIES.values() for name in kind.foreign)
_Row = Mapping[str, Any]
_Fragments = dict[str, orjson.Fragment]
_kept: dict[str, tuple[_Row, orjson.Fragment]] = {}
_routes: dict[str, tuple[_Row, _Fragments, bytes]] = {}


def entity(row: _Row) -> Any:
    """Return a row for JSON, with ``{"id": …}`` for what it points to, and without nulls.

    A fragment, made once for each row: no row is ever changed, and another configuration has rows
    of its own.
    """
    kept = _kept.get(row["id"])
    if kept is None or kept[0] is not row:
        kept = row, orjson.Fragment(orjson.dumps(plain_entity(row)))
        if len(_kept) >= _MOST:
            _kept.clear()
        _kept[row["id"]] = kept
    return kept[1]


def route_members(match: RouteMatch) -> _Fragments:
    """Return what an entry has of its route: ``route``, ``service``, ``workspace``, …; see above.

    Not to be changed: it is the same for all requests of the route.
    """
    return _of_route(match)[1]


def route_text(match: RouteMatch) -> bytes:
    """Return the same members as JSON, a comma before each."""
    route = match.route
    kept = _routes.get(route["id"])
    return kept[2] if kept is not None and kept[0] is route else _of_route(match)[2]


def _of_route(match: RouteMatch) -> tuple[_Row, _Fragments, bytes]:
    route = match.route
    kept = _routes.get(route["id"])
    if kept is None or kept[0] is not route:
        made = {name: orjson.Fragment(orjson.dumps(value)) for name, value in plain_members(match)}
        if len(_routes) >= _MOST:
            _routes.clear()
        kept = _routes[route["id"]] = route, made, members(made)
    return kept


def members(values: Mapping[str, Any]) -> bytes:
    """Return the members of an object as JSON, a comma before each."""
    return b"," + orjson.dumps(values)[1:-1] if values else b""


def plain_members(match: RouteMatch) -> Iterator[tuple[str, Any]]:
    """Yield the same as objects that may be changed."""
    route, service = match.route, match.service
    yield "workspace", route.get("ws_id") or WORKSPACE
    yield "workspace_name", "default"
    yield "route", plain_entity(route)
    if service is not None:
        yield "service", plain_entity(service)


def plain_entity(row: _Row) -> dict[str, Any]:
    """Return what ``entity`` does as an object that may be changed."""
    return {name: _shown(name, row[name]) for name in row if row[name] is not None}


def _shown(name: str, value: Any) -> Any:
    if name in _POINTERS:
        # A route of the router has its service's row.
        return {"id": value["id"] if isinstance(value, Mapping) else value}
    return deepcopy(value)
