# SPDX-License-Identifier: Apache-2.0
"""Which configuration of a plugin a request gets, and in which order plugins run.

One configuration per plugin name: the most specific one wins, and configurations are never
merged. Higher priority runs earlier in every phase; of equal ones the greater name runs first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.entities.plugin_types import PluginType

_LOOKUPS = (
    (True, True, True),
    (True, False, True),
    (False, True, True),
    (True, True, False),
    (False, False, True),
    (True, False, False),
    (False, True, False),
    (False, False, False),
)
"""Which of route, service and consumer a configuration must name, the most specific first."""

Row = Mapping[str, Any]
_Scope = tuple[str | None, str | None, str | None]


def execution_order(names: Iterable[str], types: Mapping[str, PluginType]) -> list[str]:
    """Sort plugin names as they run; names without a type have priority 0."""

    def key(name: str) -> tuple[int, str]:
        return types[name].priority if name in types else 0, name

    return sorted(names, key=key, reverse=True)


class PluginTable:
    """The enabled plugin rows of a configuration, ready for lookups.

    Foreign keys in the rows (``route``, ``service``, ``consumer``) are id strings or None.
    """

    def __init__(self, rows: Iterable[Row], types: Mapping[str, PluginType]) -> None:
        self._types = types
        self._rows: dict[str, dict[_Scope, Row]] = {}
        for row in rows:
            if row.get("enabled") is not False:
                scope = (row.get("route"), row.get("service"), row.get("consumer"))
                self._rows.setdefault(row["name"], {})[scope] = row
        self.names = tuple(execution_order(self._rows, types))
        self.consumers = frozenset(
            scope[2] for scopes in self._rows.values() for scope in scopes if scope[2] is not None
        )
        """Ids of the consumers that have a configuration of their own for any plugin."""

    def lookup(
        self, name: str, route: str | None, service: str | None, consumer: str | None
    ) -> Row | None:
        """Return the one configuration of a plugin for a request, or None."""
        scopes = self._rows.get(name)
        if scopes is None:
            return None
        kind = self._types.get(name)
        if kind is not None:
            route = None if kind.no_route else route
            service = None if kind.no_service else service
            consumer = None if kind.no_consumer else consumer
        for by_route, by_service, by_consumer in _LOOKUPS:
            scope = (
                route if by_route else None,
                service if by_service else None,
                consumer if by_consumer else None,
            )
            # A part that the request lacks would look up a wider scope before its turn.
            if (by_route, by_service, by_consumer) != tuple(part is not None for part in scope):
                continue
            row = scopes.get(scope)
            if row is not None:
                return row
        return None

    def chain(self, route: str | None, service: str | None, consumer: str | None) -> list[Row]:
        """Return the configurations that apply to a request, in the order they run."""
        found = (self.lookup(name, route, service, consumer) for name in self.names)
        return [row for row in found if row is not None]
