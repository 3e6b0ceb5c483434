# SPDX-License-Identifier: Apache-2.0
"""Plugins that run only for the requests for which their condition holds.

A condition is evaluated once for a request, just before the plugin's access phase, with what the
plugins before have made of the request. Where it does not hold, all phases of the plugin are
skipped. One that fails is a 500: what cannot be told opens no route.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gateway.errors import ConditionFailed
from gateway.http import arguments
from gateway.http.headers import without_port
from gateway.http.log_ids import named
from gateway.http.messages import Request
from gateway.logs import get_logger
from gateway.plugins.lua import SHARED

if TYPE_CHECKING:
    from gateway.entities.condition import CompiledCondition

_log = get_logger("gateway.plugins")


class Condition:
    """The condition of one plugin: ``name`` and ``number`` are the plugin's, for logs."""

    def __init__(self, text: str, name: str = "", number: str = "") -> None:
        # Late: docs/decisions/imports-inside-functions.md
        from gateway.entities.condition import compile_condition

        self._compiled: CompiledCondition = compile_condition(text)
        self._readers = {field: _READERS[field] for field in self._compiled.fields}
        self._members = self._compiled.members
        self._plugin = f"{name} ({number})"

    def holds(self, request: Request) -> bool:
        """Tell whether the plugin runs; evaluated once. Raises ``ConditionFailed``."""
        known = request.conditions
        if known is not None and self in known:
            return known[self]
        values = {
            field: read(request, self._members.get(field)) for field, read in self._readers.items()
        }
        try:
            found = self._compiled.holds(values)
        except ConditionFailed as error:
            raise ConditionFailed(f"plugin {self._plugin}: {error}") from None
        request.conditions = {**(known or {}), self: found}
        return found

    def still_holds(self, request: Request) -> bool:
        """The same after the access phase, which may have ended before: a failure is logged."""
        try:
            return self.holds(request)
        except ConditionFailed as error:
            _log.error(
                "condition of a plugin failed",
                **named(request),
                problem=str(error),
            )
            request.conditions = {**(request.conditions or {}), self: True}
            return True


_Names = tuple[str, ...] | None


def _host(request: Request, _: _Names) -> str:
    return without_port(request.host or b"").decode("latin-1").lower()


def _path(request: Request, _: _Names) -> str:
    path = request.path if request.match is None else request.match.path
    return path.decode("utf-8", "replace")


def _segments(request: Request, names: _Names) -> list[str]:
    return [part for part in _path(request, names).split("/") if part]


def _headers(request: Request, names: _Names) -> dict[str, str | None]:
    """The first line of each header, by the names asked for, or by all with underscores."""
    found: dict[str, str] = {}
    for name, value in request.headers:
        key = name.decode("latin-1").lower().replace("-", "_")
        found.setdefault(key, value.decode("utf-8", "replace"))
    if names is None:
        return {**found}
    return {name: found.get(name.lower().replace("-", "_")) for name in names}


def _queries(request: Request, names: _Names) -> dict[str, str | None]:
    """The first value of each argument; that of one without is empty."""
    found: dict[str, str | None] = {}
    for name, value in arguments.parse(request.query).items():
        first = value[0] if isinstance(value, list) and value else value
        found[name] = first if isinstance(first, str) else ""
    return found if names is None else {name: found.get(name) for name in names}


def _of(owner: Callable[[Request], Any], field: str) -> Callable[[Request, _Names], Any]:
    def read(request: Request, _: _Names) -> Any:
        found = owner(request)
        return None if found is None else found.get(field)

    return read


def _route(request: Request) -> Any:
    return None if request.match is None else request.match.route


def _service(request: Request) -> Any:
    return None if request.match is None else request.match.service


def _shared(request: Request, _: _Names) -> Any:
    found = (request.context or {}).get(SHARED)
    return found if isinstance(found, dict) else {}


_READERS: Mapping[str, Callable[[Request, _Names], Any]] = {
    "http.method": lambda request, _: request.method.decode("latin-1"),
    "http.host": _host,
    "http.path": _path,
    "http.path_segments": _segments,
    "http.headers": _headers,
    "http.queries": _queries,
    "net.src.ip": lambda request, _: request.client_ip,
    "net.src.port": lambda request, _: request.connection.peer[1],
    "net.dst.ip": lambda request, _: request.connection.here,
    "net.dst.port": lambda request, _: request.connection.server_port,
    **{
        f"consumer.{field}": _of(lambda request: request.consumer, field)
        for field in ("id", "username", "custom_id")
    },
    **{f"route.{field}": _of(_route, field) for field in ("id", "name")},
    **{f"service.{field}": _of(_service, field) for field in ("id", "name")},
    "kong.ctx.shared": _shared,
}
