# SPDX-License-Identifier: Apache-2.0
"""Which configuration of a plugin a request gets, and in which order plugins run.

One configuration per plugin name: the most specific one wins, and configurations are never
merged. Higher priority runs earlier in every phase; of equal ones the greater name runs first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.plugins.base import PluginType

PRIORITIES: Mapping[str, int] = {
    "pre-function": 1000000,
    "correlation-id": 100001,
    "zipkin": 100000,
    "exit-transformer": 9999,
    "bot-detection": 2500,
    "cors": 2000,
    "session": 1900,
    "acme": 1705,
    "mtls-auth": 1600,
    "jwt": 1450,
    "oauth2": 1400,
    "key-auth": 1250,
    "ldap-auth": 1200,
    "basic-auth": 1100,
    "openid-connect": 1050,
    "hmac-auth": 1030,
    "request-validator": 999,
    "grpc-gateway": 998,
    "ip-restriction": 990,
    "request-size-limiting": 951,
    "acl": 950,
    "opa": 920,
    "rate-limiting": 910,
    "response-ratelimiting": 900,
    "route-by-header": 850,
    "jq": 811,
    "request-transformer-advanced": 802,
    "request-transformer": 801,
    "response-transformer": 800,
    "redirect": 779,
    "ai-request-transformer": 777,
    "ai-prompt-template": 773,
    "ai-prompt-decorator": 772,
    "ai-prompt-guard": 771,
    "ai-proxy": 770,
    "ai-response-transformer": 768,
    "standard-webhooks": 760,
    "upstream-oauth": 760,
    "confluent": 752,
    "kafka-upstream": 751,
    "aws-lambda": 750,
    "azure-functions": 749,
    "proxy-cache": 100,
    "opentelemetry": 14,
    "prometheus": 13,
    "http-log": 12,
    "statsd": 11,
    "datadog": 10,
    "file-log": 9,
    "udp-log": 8,
    "tcp-log": 7,
    "loggly": 6,
    "kafka-log": 5,
    "syslog": 4,
    "grpc-web": 3,
    "request-termination": 2,
    "mocking": -1,
    "post-function": -1000,
}
"""Kong's numbers for the plugins whose place among each other is known; a type may differ."""

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


def execution_order(
    names: Iterable[str], types: Mapping[str, PluginType] | None = None
) -> list[str]:
    """Sort plugin names as they run; a type's own priority goes before the table's, else 0."""
    known = types or {}

    def key(name: str) -> tuple[int, str]:
        if name in known:
            return known[name].priority, name
        return PRIORITIES.get(name, 0), name

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
