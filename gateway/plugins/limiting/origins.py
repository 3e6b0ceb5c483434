# SPDX-License-Identifier: Apache-2.0
"""What tells which requests are counted together.

An origin is a kind and a value, but for an address, which stands alone: no header can name the
count of another's address.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import Any

from gateway.http.messages import Request
from gateway.plugins.base import PluginContext
from gateway.routing.normalise import normalise

Identify = Callable[[Request], str | None]

_LONGEST = 64
"""Characters of a value that is kept as it is, to bound what a flood of long ones takes."""
_PLAIN = ("consumer", "credential", "service", "consumer-group", "route", "path")
_ADDRESS_LIKE = re.compile(r"[0-9A-Fa-f.:/%]*")
_TRANSLATED = IPv6Network("64:ff9b::/96")


def identify(kind: str, config: Any, context: PluginContext) -> Identify:
    """Return what finds a request's origin; None: it counts with those of its address.

    ``kind`` is one of Kong's words; ``config`` has ``header_name`` and ``path``.
    """
    if kind == "consumer":
        return _consumer
    if kind == "consumer-group":
        return _Group(context)
    if kind == "route":
        return _route
    if kind == "credential":
        return lambda request: _id("credential", request.credential)
    if kind == "service":
        return _service
    if kind == "header":
        name = config.header_name.lower().encode()
        return lambda request: _header(request.header(name))
    if kind == "path":
        return _Path(config.path)
    return lambda request: None


def address_of(text: str, prefix: int) -> str:
    """Return the client's address; of IPv6 the network of ``prefix`` bits.

    A client has whole IPv6 networks to send from, a /64 at least (RFC 6177).
    """
    return _network(text, prefix) if ":" in text else text


@lru_cache(maxsize=8192)
def _network(text: str, prefix: int) -> str:
    try:
        # A zone says through which of our interfaces the client came, not who it is.
        address = IPv6Address(text.partition("%")[0])
    except ValueError:
        return text
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    if address in _TRANSLATED:
        # An IPv4 client before a translator (RFC 6052): else all of them would be one network.
        return str(IPv4Address(int(address) & 0xFFFFFFFF))
    host = 128 - prefix
    return f"{IPv6Address(int(address) >> host << host)}/{prefix}"


def redis_name(origin: str) -> str:
    """Return an origin as it stands in Kong's counters: its value alone.

    Only a header's value that could be taken for an address keeps its kind.
    """
    kind, _, value = origin.partition(":")
    if kind in _PLAIN or (kind == "header" and not _ADDRESS_LIKE.fullmatch(value)):
        return value
    return origin


class _Group:
    """The consumer group that the plugin is limited to, else the first of the consumer's."""

    def __init__(self, context: PluginContext) -> None:
        self._own = context.consumer_group_id
        self._groups_of = context.consumers.groups_of

    def __call__(self, request: Request) -> str | None:
        if self._own is not None:
            return f"consumer-group:{self._own}"
        groups = self._groups_of(request)
        return _id("consumer-group", groups[0]) if groups else None


class _Path:
    """Compares paths as the router does, in their normal form."""

    def __init__(self, path: str) -> None:
        self._path = normalise(path.encode())
        self._origin = f"path:{path}"

    def __call__(self, request: Request) -> str | None:
        match = request.match
        path = normalise(request.path) if match is None else match.path
        return self._origin if path == self._path else None


def _consumer(request: Request) -> str | None:
    consumer = request.consumer
    if consumer is None:
        return _id("credential", request.credential)
    return _id("consumer", consumer)


def _service(request: Request) -> str | None:
    match = request.match
    return None if match is None else _id("service", match.data.service)


def _route(request: Request) -> str | None:
    match = request.match
    return None if match is None else _id("route", match.route)


def _id(kind: str, row: Any) -> str | None:
    return None if row is None else f"{kind}:{row['id']}"


def _header(value: bytes | None) -> str | None:
    if value is None:
        return None
    if len(value) > _LONGEST:
        return f"header-digest:{blake2b(value, digest_size=16).hexdigest()}"
    return f"header:{value.decode('latin-1')}"
