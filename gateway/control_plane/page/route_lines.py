# SPDX-License-Identifier: Apache-2.0
"""Routes as people look for them: what they match, where they lead, which policies run when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.control_plane.ownership import owner_of
from gateway.control_plane.page.changes import shown_fields
from gateway.entities import ENTITIES, Row
from gateway.entities.checks import Table
from gateway.entities.partial_links import FIELD
from gateway.entities.plugin_types import PluginType, plugin_types
from gateway.plugins.order import in_order
from gateway.plugins.precedence import PluginTable

_SCOPES = ("route", "service", "consumer", "consumer_group")


@dataclass(frozen=True)
class PolicyPartial:
    """A partial that stands for a record of a policy's settings."""

    path: str
    id: str
    name: str


@dataclass(frozen=True)
class PolicyLine:
    """One policy of a route, at its place in the order."""

    name: str
    priority: int
    scope: str
    """What it is set on: ``route``, ``service``, or ``everywhere``."""
    produces: bool
    """It writes records, and responds: what comes behind it never runs."""
    reached: bool
    """Whether requests get to it."""
    plugin: str
    """The id of its entity."""
    settings: list[tuple[str, str]]
    """Those that differ from the defaults, without secrets."""
    partials: list[PolicyPartial]
    """What stands for settings of it."""


@dataclass(frozen=True)
class RouteLine:
    """One route."""

    id: str
    name: str
    service: str
    leads_to: str
    """The service's address; empty without a service."""
    matches: list[tuple[str, str]]
    """What a request must have: kind and value."""
    policies: list[PolicyLine]
    owner: str


class RouteLines:
    """The routes of one configuration, by name."""

    def __init__(self, table: Table) -> None:
        self.table = table
        types = plugin_types()
        self._types: dict[str, PluginType] = dict(types)
        known = [row for row in table.get("plugins", ()) if row["name"] in types]
        self._plugins = PluginTable(known, types)
        self._services = {row["id"]: row for row in table.get("services", ())}
        self._partials = {row["id"]: label(row) for row in table.get("partials", ())}
        self.rows = sorted(table.get("routes", ()), key=lambda row: label(row).lower())

    def find(self, key: str) -> Row | None:
        """Return the route of an id."""
        return next((row for row in self.rows if row["id"] == key), None)

    def line(self, row: Row, *, with_settings: bool = False) -> RouteLine:
        """Return a route as it is shown."""
        service = self._services.get(row.get("service") or "")
        return RouteLine(
            id=row["id"],
            name=label(row),
            service="" if service is None else label(service),
            leads_to="" if service is None else _address(service),
            matches=list(_matches(row)),
            policies=self._policies(row, with_settings),
            owner=owner_of(row) or "",
        )

    def special(self, row: Row) -> list[str]:
        """Return the policies that some consumers or groups have set otherwise on a route."""
        found = {
            other["name"]
            for other in self.table.get("plugins", ())
            if (other.get("consumer") or other.get("consumer_group"))
            and other.get("route") in (None, row["id"])
            and other.get("service") in (None, row.get("service"))
            and other.get("enabled") is not False
        }
        return sorted(found)

    def _policies(self, row: Row, with_settings: bool) -> list[PolicyLine]:
        chosen = self._plugins.chain(row["id"], row.get("service"), None)
        lines, reached = [], True
        for (priority, name), plugin in in_order(chosen, self._types):
            kind = self._types[name]
            settings = shown_fields(ENTITIES["plugins"], dict(plugin)) if with_settings else []
            scope = next((one for one in _SCOPES if plugin.get(one)), "everywhere")
            partials = [
                PolicyPartial(link["path"], link["id"], self._partials.get(link["id"], link["id"]))
                for link in plugin.get(FIELD) or ()
            ]
            lines.append(
                PolicyLine(
                    name,
                    priority,
                    scope,
                    kind.produces,
                    reached,
                    plugin["id"],
                    settings,
                    partials,
                )
            )
            reached = reached and not kind.produces
        return lines

    def haystack(self, row: Row) -> str:
        """Return what a search for a route looks at: what it matches and is called."""
        service = self._services.get(row.get("service") or "")
        words = [label(row), *(value for _, value in _matches(row))]
        if service is not None:
            words += [label(service), service["host"]]
        return " ".join(words)


def label(row: Row) -> str:
    """Return what a route, service or partial is called: its name, else its id."""
    return str(row.get("name") or row["id"])


def _address(service: Row) -> str:
    path = service.get("path") or ""
    return f"{service['protocol']}://{service['host']}:{service['port']}{path}"


def _matches(row: Row) -> Iterable[tuple[str, str]]:
    for kind, field in (("method", "methods"), ("host", "hosts"), ("path", "paths")):
        for value in row.get(field) or ():
            yield kind, str(value)
    for name, values in (row.get("headers") or {}).items():
        yield "header", f"{name}: {', '.join(values)}"
    for value in row.get("snis") or ():
        yield "SNI", str(value)
    for kind, field in (("source", "sources"), ("destination", "destinations")):
        for found in row.get(field) or ():
            yield kind, _endpoint(found)


def _endpoint(found: dict[str, Any]) -> str:
    port = found.get("port")
    return f"{found.get('ip') or 'any'}{'' if port is None else f':{port}'}"
