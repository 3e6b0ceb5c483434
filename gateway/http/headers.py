# SPDX-License-Identifier: Apache-2.0
"""Header lists, and the request headers that the gateway sets so that an upstream may trust them.

A client that sends one of them would pass its word for ours; one that names it in Connection
would have it taken for its own hop's (RFC 9110 section 7.6.1) and dropped.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

Headers = list[tuple[bytes, bytes]]
"""Names lower-cased as they go in, values as received, in arrival order."""


def spellings(name: bytes) -> Iterable[bytes]:
    """Return a name with hyphens or underscores: many servers take them for each other.

    CGI and what came after it make ``HTTP_X_REAL_IP`` of both (RFC 3875 section 4.1.18).
    """
    first, *rest = name.replace(b"_", b"-").split(b"-")
    for signs in product((b"-", b"_"), repeat=len(rest)):
        yield first + b"".join(map(b"".join, zip(signs, rest, strict=True)))


def _all(names: bytes) -> frozenset[bytes]:
    return frozenset(spelling for name in names.split() for spelling in spellings(name))


IDENTITY = _all(
    b"x-anonymous-consumer x-authenticated-groups x-authenticated-scope x-authenticated-userid "
    b"x-consumer-custom-id x-consumer-groups x-consumer-id x-consumer-username "
    b"x-credential-identifier x-credential-username"
)
"""The consumer that a plugin found the client to be."""
FORWARDING = _all(
    b"x-forwarded-for x-forwarded-host x-forwarded-path x-forwarded-port x-forwarded-prefix "
    b"x-forwarded-proto x-kong-request-id x-real-ip"
)
"""What the proxy tells an upstream about the client's side."""


def without_port(host: bytes) -> bytes:
    """Return what stands in Host before the port; an IPv6 address keeps its brackets."""
    if host.startswith(b"["):
        return host.partition(b"]")[0] + b"]"
    return host.partition(b":")[0]


def without_identity(headers: Headers) -> Headers:
    """Return headers without those that name a consumer; the same list where none do."""
    if IDENTITY.isdisjoint([name for name, _ in headers]):
        return headers
    return [pair for pair in headers if pair[0] not in IDENTITY]


def upgrades_to(headers: Headers, upgrade: bytes) -> bool:
    """Whether a response's Upgrade is the one that was asked for, and no other."""
    found = [value.lower() for name, value in headers if name.lower() == b"upgrade"]
    return found == [upgrade.lower()]
