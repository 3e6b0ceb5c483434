# SPDX-License-Identifier: Apache-2.0
"""For which server names clients are asked for a certificate: those of routes that want one.

No route is known in a handshake. So a plugin on a route with server names asks for those alone, and
one on a route without any asks everybody, as in Kong.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.entities.plugin_types import PluginType

Row = Mapping[str, Any]
Use = tuple[Row, PluginType, Any]
"""A plugin's row, type and validated settings."""

_ALL = "*"


def certificate_requests(
    uses: Iterable[Use], routes: Sequence[Row], authorities: Mapping[str, str]
) -> dict[str, list[bytes]]:
    """Return server names to the certificates (DER) of the authorities that clients are told.

    ``authorities`` are the PEM texts by id. Where one of several plugins names none, none are
    named: a client takes the list for all that would be accepted.
    """
    found: dict[str, list[list[bytes]]] = {}
    for row, kind, config in uses:
        named = None if kind.asks is None else kind.asks(config)
        if named is None:
            continue
        told = [ssl.PEM_cert_to_DER_cert(authorities[id_]) for id_ in named if id_ in authorities]
        for route in routes:
            if _concerns(row, route):
                for name in route.get("snis") or (_ALL,):
                    found.setdefault(name.lower(), []).append(told)
    everywhere = found.get(_ALL, [])
    return {
        name: _together(lists if name == _ALL else [*lists, *everywhere])
        for name, lists in found.items()
    }


def _together(lists: list[list[bytes]]) -> list[bytes]:
    if not all(lists):
        return []
    return list(dict.fromkeys(item for items in lists for item in items))


def _concerns(row: Row, route: Row) -> bool:
    """Tell whether a plugin may run on a route."""
    of_route, of_service = row.get("route"), row.get("service")
    return of_route in (None, route["id"]) and of_service in (None, route.get("service"))
