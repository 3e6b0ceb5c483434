# SPDX-License-Identifier: Apache-2.0
"""Who a request comes from, as record headers: the consumer, its groups, a token's claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.http.messages import Request
from gateway.kafka.batch import Header
from gateway.plugins.consumers import Consumers
from gateway.plugins.produce.settings import IdentityHeaders

_FIELDS = {
    "consumer_id": "id",
    "consumer_username": "username",
    "consumer_custom_id": "custom_id",
}


class IdentityOf:
    """Makes record headers of what plugins have found out; what there is none of is left out."""

    def __init__(self, config: IdentityHeaders, consumers: Consumers) -> None:
        given = ((getattr(config, name), field) for name, field in _FIELDS.items())
        self._fields = [(header, field) for header, field in given if header is not None]
        self._groups = config.groups
        self._consumer_groups = config.consumer_groups
        self._claims = [(header, claim) for claim, header in config.claims.items()]
        self._consumers = consumers
        found = [*(header for header, _ in self._fields + self._claims)]
        found += [name for name in (config.groups, config.consumer_groups) if name is not None]
        self.names = frozenset(name.lower() for name in found)
        """Names, in lower case, that no header of the client's may have."""

    def __call__(self, request: Request) -> list[Header]:
        """Return the record headers of a request."""
        found: list[Header] = []
        consumer = request.consumer
        if consumer is not None:
            for header, field in self._fields:
                if value := consumer.get(field):
                    found.append((header, _text(value)))
        if self._groups is not None:
            groups = request.authenticated_groups
            if groups is None and consumer is not None:
                groups = self._consumers.acl_groups(consumer)
            if groups:
                found.append((self._groups, _text(",".join(groups))))
        if self._consumer_groups is not None:
            names = [row["name"] for row in self._consumers.groups_of(request)]
            if names:
                found.append((self._consumer_groups, _text(",".join(names))))
        if self._claims and request.claims is not None:
            for header, claim in self._claims:
                value = _claim(request.claims, claim)
                if value is not None:
                    found.append((header, _text(value)))
        return found


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim of this name, or what a path with dots leads to; None without one."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for step in name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _text(value: Any) -> bytes:
    """Return a text in UTF-8, anything else as JSON."""
    if isinstance(value, str):
        return value.encode(errors="replace")
    return orjson.dumps(value)
