# SPDX-License-Identifier: Apache-2.0
"""Names that fields of a Redis deployment had before Kong 3.8; Kong takes them until 4.0.

A former field is moved to the present ones where those say nothing else, and shows their value in
what the Admin API returns, as Kong's do; files that were dumped from Kong hold both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from gateway.entities.base import violation

TIMEOUTS = ("connect_timeout", "send_timeout", "read_timeout")
_DEFAULT_TIMEOUT = 2000
_ADDRESSES = {
    "sentinel_addresses": ("sentinel_nodes", "host"),
    "cluster_addresses": ("cluster_nodes", "ip"),
}
"""Each with the field that it is now, and what that calls a host."""


def present_names(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return settings in which the former fields stand where they stand now.

    Raises a violation that names an address without a port.
    """
    moved: dict[str, Any] = {}
    if data.get("timeout") is not None:
        given = {name: data.get(name) for name in TIMEOUTS}
        # One that only shows what the present field says has nothing to add to the others.
        shown = data["timeout"] == given["connect_timeout"]
        standing = (None,) if shown else (None, _DEFAULT_TIMEOUT)
        free = (name for name, value in given.items() if value in standing)
        moved = dict.fromkeys(free, data["timeout"])
    for former, (present, host) in _ADDRESSES.items():
        addresses = data.get(former)
        # What is no text, or an empty one, is refused where it stands.
        if data.get(present) is None and _all_texts(addresses):
            moved[present] = [_node(former, host, address) for address in addresses]
    return {**data, **moved} if moved else data


def _all_texts(addresses: Any) -> TypeGuard[list[str]]:
    return isinstance(addresses, list) and all(one and isinstance(one, str) for one in addresses)


def _node(field: str, host: str, address: str) -> dict[str, Any]:
    name, _, port = address.rpartition(":")
    if not name or not (port.isascii() and port.isdecimal()):
        raise violation([], {field: f"Invalid Redis host address: {address}"})
    return {host: name, "port": int(port)}
