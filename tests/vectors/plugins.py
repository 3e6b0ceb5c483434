# SPDX-License-Identifier: Apache-2.0
"""Vectors of plugin precedence and order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway.entities.plugin_types import PluginType
from gateway.plugins.precedence import PluginTable, execution_order

_PARTS = ("route", "service", "consumer")
_PRIORITIES = {
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
"""Kong's numbers for the plugins whose place among each other is known."""


def replay_plugin_lookup(document: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Put a configuration of every scope that the vectors name into one table, look each up."""
    vectors = document["plugin_lookup"]
    table = PluginTable([_configuration(vector["uses"]) for vector in vectors], {})
    for vector in vectors:
        has = vector["request_has"].split("+")
        route, service, consumer = (part if part in has else None for part in _PARTS)
        found = table.lookup("vector", route, service, consumer)
        used = None if found is None else found["uses"]
        problem = None if used == vector["uses"] else f"uses {used}, not {vector['uses']}"
        yield vector["request_has"], problem


def _configuration(uses: str) -> dict[str, Any]:
    scope = uses.partition(":")[2].strip().split("+")
    parts = {part: part if part in scope else None for part in _PARTS}
    return {"name": "vector", "enabled": True, "uses": uses, **parts}


def replay_plugin_order(document: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Sort the names of each list, given backwards."""
    types = {
        name: PluginType(name, "1", priority, "pydantic:BaseModel", "none:None")
        for name, priority in _PRIORITIES.items()
    }
    for number, expected in enumerate(document["plugin_order"], 1):
        found = execution_order(reversed(expected), types)
        yield str(number), None if found == expected else f"the order is {found}"
