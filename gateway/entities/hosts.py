# SPDX-License-Identifier: Apache-2.0
"""Host names: what may stand in a service, a route, an upstream, a target or an SNI."""

from __future__ import annotations

import re

from gateway.names import addresses

_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_\-]*[A-Za-z0-9_])?")
_LEADING = re.compile(r"[A-Za-z0-9_\-]*[A-Za-z0-9_]")
"""The first label may begin with a hyphen, as Kong's own tests have it."""


def split_port(value: str) -> tuple[str, str | None]:
    """Split ``host:port`` and ``[v6]:port``; an address without brackets has no port."""
    if value.startswith("["):
        host, _, rest = value[1:].partition("]")
        return host, rest[1:] if rest.startswith(":") else (rest or None)
    if value.count(":") == 1:
        host, _, port = value.partition(":")
        return host, port
    return value, None


def is_address(value: str) -> bool:
    """Tell whether a value is an IPv4 or IPv6 address."""
    return addresses.is_address(value.strip("[]"))


def check_host(value: str, *, port: bool, wildcard: bool) -> str:
    """Return what is wrong with a host, or an empty string.

    The rules are those of Kong 3.10 ``kong/db/schema/typedefs.lua``.

    ``port`` allows ``:port`` at the end, ``wildcard`` one ``*`` as left-most or right-most label.
    """
    host, number = split_port(value)
    if number is not None:
        if not port:
            return "must not have a port"
        if not (number.isascii() and number.isdigit() and 1 <= int(number[:6]) <= 65535):
            return "invalid port number"
    if is_address(host):
        return ""
    if "*" in host:
        if not wildcard:
            return f"invalid hostname: {value}"
        problem, host = _cut_wildcard(host)
        if problem:
            return problem
    first, *rest = host.split(".")
    labels_fit = _LEADING.fullmatch(first) and all(_LABEL.fullmatch(label) for label in rest)
    return "" if labels_fit and len(host) <= 253 else f"invalid hostname: {value}"


def _cut_wildcard(host: str) -> tuple[str, str]:
    """Return what is wrong with the wildcard, and the host without it."""
    if host.count("*") > 1:
        return "invalid wildcard: must have at most one wildcard", host
    if host.startswith("*."):
        return "", host[2:]
    if host.endswith(".*"):
        return "", host[:-2]
    return "invalid wildcard: must be placed at leftmost or rightmost label", host
