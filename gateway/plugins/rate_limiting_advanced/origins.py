# SPDX-License-Identifier: Apache-2.0
"""Who is counted together, by one or several of Kong's identifiers."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from gateway.http.messages import Request
from gateway.plugins.base import PluginContext
from gateway.plugins.limiting.origins import Identify, address_of, identify

_LONGEST = 256
"""Characters of an origin that is kept as it is (Kong 3.11)."""


class CombinedOrigins:
    """Finds a request's origin: a text of at most 256 characters."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        field = config.counter_key
        by_key = _by(field.partition(".")[2]) if field else None
        self._parts: list[Identify] = [
            by_key if kind == "consumer" and by_key else identify(kind, config, context)
            for kind in config.identifiers()
        ]
        self._only = self._parts[0] if len(self._parts) == 1 else None
        self._prefix = context.ipv6_prefix

    def of(self, request: Request) -> str:
        """Return the origin; what a request lacks is its address in place of it."""
        if self._only is not None:
            return _short(self._only(request) or address_of(request.client_ip, self._prefix))
        address = address_of(request.client_ip, self._prefix)
        # The lengths keep two sets of parts from reading the same.
        found = [part(request) or address for part in self._parts]
        return _short("".join(f"{len(part)}:{part};" for part in found))


def _short(origin: str) -> str:
    if len(origin) <= _LONGEST:
        return origin
    return "digest:" + blake2b(origin.encode(), digest_size=16).hexdigest()


def _by(field: str) -> Identify:
    def identifier(request: Request) -> str | None:
        consumer = request.consumer
        if consumer is None:
            credential = request.credential
            return None if credential is None else f"credential:{credential['id']}"
        value = consumer.get(field)
        return f"consumer-{field}:{value}" if value else f"consumer:{consumer['id']}"

    return identifier
