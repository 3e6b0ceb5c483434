# SPDX-License-Identifier: Apache-2.0
"""The caller of an API without credentials: a program on this machine, or a page elsewhere.

A browser sends what any page tells it to, also to addresses that only its machine reaches. Such
a request shows in ``Origin`` (RFC 6454), ``Sec-Fetch-Site`` (Fetch Metadata), and, when
a name of the page's own was made to point here (DNS rebinding), ``Host``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from ipaddress import IPv6Address, ip_address

NOT_LOCAL = (
    "only a program of this machine (or pod) may do this, or one that sends the admin token as "
    "Kong-Admin-Token"
)
"""Why a call that changes a node is refused."""

_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:/?#@\[\]]+)(?::\d{1,5})?")
_OWN_SITES = frozenset({"same-origin", "none"})


def is_loopback(host: str) -> bool:
    """Tell whether an address, or the name ``localhost``, is this machine to itself."""
    try:
        address = ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback


def is_local(peer: str, here: str) -> bool:
    """Tell whether a connection's two addresses are of one machine (or one pod)."""
    return is_loopback(peer) or (peer != "" and peer == here)


def host_of(value: str) -> str:
    """Return the host in a Host header, lower-case, without port and brackets; "" for nonsense."""
    found = _HOST.fullmatch(value)
    return found[1].strip("[]").lower() if found else ""


def foreign(headers: Iterable[tuple[bytes, bytes]], names: Collection[str]) -> str:
    """Say why a request may be the doing of a page of another origin; "" when it cannot be.

    ``headers`` are lower-case; ``names`` are the hosts that are ours, lower-case and without port.
    A Host that is an address of ours proves nothing, a name only if we know it.
    """
    found: dict[str, list[str]] = {"host": [], "origin": [], "sec-fetch-site": []}
    for name, value in headers:
        values = found.get(name.decode("latin-1"))
        if values is not None:
            values.append(value.decode("latin-1"))
    host = ", ".join(found["host"])
    given = host_of(host)
    # Without any Host (HTTP/1.0) it is no browser that asks.
    if found["host"] and not (given and (is_loopback(given) or given in names)):
        return f'Host "{host}" is neither a loopback address nor configured'
    for site in found["sec-fetch-site"]:
        if site.lower() not in _OWN_SITES:
            return f'Sec-Fetch-Site "{site}" is another origin'
    for origin in found["origin"]:
        scheme, _, rest = origin.partition("://")
        if scheme not in ("http", "https") or rest.lower() != host.lower():
            return f'Origin "{origin}" is not this API'
    return ""
