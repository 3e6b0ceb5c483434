# SPDX-License-Identifier: Apache-2.0
"""What of a request is hashed, as ``hash_on`` and ``hash_fallback`` of its upstream say.

The inputs are those of Kong (``kong/runloop/balancer/init.lua``, 3.10, get_value_to_hash).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from uuid import uuid4

from gateway.http import arguments
from gateway.http.cookies import cookies_of
from gateway.http.messages import Request

Reader = Callable[[Request], bytes | None]


class StickyCookie(NamedTuple):
    """The cookie by which clients come back to the same target."""

    name: bytes
    path: bytes

    def line(self, value: bytes) -> bytes:
        """Return the value of Set-Cookie."""
        return b"%b=%b; Path=%b; SameSite=Lax; HttpOnly" % (self.name, value, self.path)


class HashInput:
    """Reads the value of a request. ``row`` is the upstream's."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        on, fallback = row.get("hash_on") or "none", row.get("hash_fallback") or "none"
        self._first = _reader(on, row, "hash_on")
        self._second = _reader(fallback, row, "hash_fallback")
        self.cookie: StickyCookie | None = None
        """The cookie that a client without one gets."""
        if "cookie" in (on, fallback):
            path = row.get("hash_on_cookie_path") or "/"
            self.cookie = StickyCookie(str(row["hash_on_cookie"]).encode(), path.encode())

    def __bool__(self) -> bool:
        """Whether anything is read at all."""
        return self._first is not None

    def read(self, request: Request) -> tuple[bytes | None, bytes | None]:
        """Return the value to hash, None for nothing, and that of the cookie to be set, if any."""
        for reader in (self._first, self._second):
            value = None if reader is None else reader(request)
            if value is not None:
                return value, None
        if self.cookie is not None:
            made = str(uuid4()).encode()
            return made, made
        return None, None


def _reader(kind: str, row: Mapping[str, Any], prefix: str) -> Reader | None:
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == "cookie":
        cookie = str(row["hash_on_cookie"]).encode()
        return lambda request: cookies_of(request).get(cookie) or None
    if kind == "none":
        return None
    name = str(row[f"{prefix}_{kind}"])
    return _NAMED[kind](name)


def _consumer(request: Request) -> bytes | None:
    """Return who calls: the consumer, or a credential without one."""
    for known in (request.consumer, request.credential):
        if isinstance(known, Mapping) and known.get("id"):
            return str(known["id"]).encode()
    return None


def _path(request: Request) -> bytes | None:
    return request.path if request.match is None else request.match.path


def _header(name: str) -> Reader:
    lower = name.lower().encode()
    return lambda request: b", ".join(request.header_values(lower)) or None


def _query_arg(name: str) -> Reader:
    def read(request: Request) -> bytes | None:
        value = arguments.parse(request.query).get(name)
        if value is None:
            return None
        values = value if isinstance(value, list) else [value]
        # In whichever order they come; without a value as Lua writes it.
        return ",".join(sorted("true" if one is True else str(one) for one in values)).encode()

    return read


def _uri_capture(name: str) -> Reader:
    def read(request: Request) -> bytes | None:
        captures: Mapping[str, bytes | None] = getattr(request.match, "captures", {})
        return captures.get(name)

    return read


_PLAIN: Mapping[str, Reader] = {
    "consumer": _consumer,
    "ip": lambda request: request.client_ip.encode(),
    "path": _path,
}
_NAMED: Mapping[str, Callable[[str], Reader]] = {
    "header": _header,
    "query_arg": _query_arg,
    "uri_capture": _uri_capture,
}
