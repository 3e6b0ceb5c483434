# SPDX-License-Identifier: Apache-2.0
"""Which configuration of a plugin a request gets, and in which order plugins run.

One configuration per plugin name: the most specific one wins, and configurations are never
merged. Higher priority runs earlier in every phase; of equal ones the greater name runs first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.entities.plugin_types import PluginType

_LOOKUPS = (
    (True, True, True, False),
    (True, True, False, True),
    (True, False, True, False),
    (False, True, True, False),
    (True, False, False, True),
    (False, True, False, True),
    (True, True, False, False),
    (False, False, True, False),
    (False, False, False, True),
    (True, False, False, False),
    (False, True, False, False),
    (False, False, False, False),
)
"""Which of route, service, consumer and consumer group a configuration must name, the most
specific first (developer.konghq.com, "Plugin precedence")."""

Row = Mapping[str, Any]
_Scope = tuple[str | None, str | None, str | None, str | None]
_NOT_IN_A_GROUP = (None,)


def execution_order(names: Iterable[str], types: Mapping[str, PluginType]) -> list[str]:
    """Sort plugin names as they run; names without a type have priority 0."""

    def key(name: str) -> tuple[int, str]:
        return types[name].priority if name in types else 0, name

    return sorted(names, key=key, reverse=True)


class PluginTable:
    """The enabled plugin rows of a configuration, ready for lookups.

    Foreign keys in the rows (``route``, ``service``, ``consumer``, ``consumer_group``) are id
    strings or None.
    """

    def __init__(self, rows: Iterable[Row], types: Mapping[str, PluginType]) -> None:
        self._types = types
        self._rows: dict[str, dict[_Scope, Row]] = {}
        for row in rows:
            if row.get("enabled") is not False:
                route, service = row.get("route"), row.get("service")
                scope = (route, service, row.get("consumer"), row.get("consumer_group"))
                self._rows.setdefault(row["name"], {})[scope] = row
        self.names = tuple(execution_order(self._rows, types))
        everywhere = [scope for scopes in self._rows.values() for scope in scopes]
        self.consumers = frozenset(scope[2] for scope in everywhere if scope[2] is not None)
        """Ids of the consumers that have a configuration of their own for any plugin."""
        self.groups = frozenset(scope[3] for scope in everywhere if scope[3] is not None)
        """Ids of the consumer groups that have one."""

    def lookup(
        self,
        name: str,
        route: str | None,
        service: str | None,
        consumer: str | None,
        groups: Sequence[str] = (),
    ) -> Row | None:
        """Return the one configuration of a plugin for a request, or None.

        ``groups`` are ids, in the order of the groups' names: where several have a configuration
        that is equally specific, that of the first counts.
        """
        scopes = self._rows.get(name)
        if scopes is None:
            return None
        kind = self._types.get(name)
        if kind is not None:
            route = None if kind.no_route else route
            service = None if kind.no_service else service
            consumer = None if kind.no_consumer else consumer
            groups = () if kind.no_consumer_group else groups
        for by_route, by_service, by_consumer, by_group in _LOOKUPS:
            for group in groups if by_group else _NOT_IN_A_GROUP:
                scope = (
                    route if by_route else None,
                    service if by_service else None,
                    consumer if by_consumer else None,
                    group,
                )
                # A part that the request lacks would look up a wider scope before its turn.
                if (by_route, by_service, by_consumer) != tuple(map(_is_there, scope[:3])):
                    continue
                row = scopes.get(scope)
                if row is not None:
                    return row
        return None

    def chain(
        self,
        route: str | None,
        service: str | None,
        consumer: str | None,
        groups: Sequence[str] = (),
    ) -> list[Row]:
        """Return the configurations that apply to a request, in the order they run."""
        found = (self.lookup(name, route, service, consumer, groups) for name in self.names)
        return [row for row in found if row is not None]


def _is_there(part: str | None) -> bool:
    return part is not None
