# SPDX-License-Identifier: Apache-2.0
"""What Lua may ask of a request: the reading half of Kong's PDK (``client``, ``request``).

Each function gets the request and Lua's arguments, which are bytes, numbers and tables.
"""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import Any

import orjson

from gateway.http.arguments import parse
from gateway.http.headers import spellings
from gateway.http.messages import Request
from gateway.plugins.produce.envelope import header_table

Read = Callable[..., Any]


def text_of(value: bytes | None) -> str | None:
    """Return bytes as Lua is to have them; what is no UTF-8 is replaced."""
    return None if value is None else value.decode("utf-8", "replace")


def header_value(headers: list[tuple[bytes, bytes]], name: Any) -> str | None:
    """Return the first value of a header, in either spelling and any case."""
    wanted = frozenset(spellings(name_of(name)))
    for found, value in headers:
        if found.lower() in wanted:
            return text_of(value)
    return None


def name_of(value: Any) -> bytes:
    """Return the name of a header or argument; raises ``ValueError`` for what is none."""
    if not isinstance(value, bytes):
        raise ValueError("header name must be a string")
    return value.lower()


def path_of(request: Request) -> str | None:
    """Return the normalised path."""
    match = request.match
    return text_of(request.path if match is None else match.path)


def body_of(request: Request) -> Any:
    """Return the fields of a form or a JSON body; raises ``ValueError`` for other bodies."""
    kind = (request.header(b"content-type") or b"").lower()
    if kind.startswith(b"application/x-www-form-urlencoded"):
        return parse(request.body)
    if not kind.startswith(b"application/json"):
        raise ValueError(f"Unsupported content type '{kind.decode('latin-1')}'")
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise ValueError("invalid json body") from None


def captures_of(request: Request) -> dict[str, str | None]:
    """Return what the groups of the route's regex hold, by number and name."""
    found: dict[str, bytes | None] = getattr(request.match, "captures", None) or {}
    return {name: text_of(value) for name, value in found.items() if value is not None}


def _query_argument(request: Request, name: Any = b"", *_: Any) -> Any:
    if not isinstance(name, bytes):
        raise ValueError("query argument name must be a string")
    found = parse(request.query).get(name.decode("utf-8", "replace"))
    return found[0] if isinstance(found, list) else found


def _entity(entity: Any) -> dict[str, Any] | None:
    """Return a consumer or credential as plain data, without what is secret."""
    if entity is None:
        return None
    data = dict(entity) if hasattr(entity, "keys") else dict(vars(entity))
    hidden = ("key", "secret", "password")
    return {
        name: value
        for name, value in data.items()
        if name not in hidden and isinstance(value, str | int | float | bool | list | dict)
    }


def _forwarded_host(request: Request) -> str | None:
    host = request.forwarded_host or request.host or b""
    return text_of(host.lower().rpartition(b":")[0] if _has_port(host) else host.lower())


def _has_port(host: bytes) -> bool:
    return host.rpartition(b":")[2].isdigit() and not host.endswith(b"]")


def _host(request: Request) -> str | None:
    host = request.host or b""
    return text_of(host.rpartition(b":")[0] if _has_port(host) else host)


def _version(request: Request) -> float:
    return float(request.version)


READS: dict[str, Read] = {
    "client.get_consumer": lambda request: _entity(request.consumer),
    "client.get_credential": lambda request: _entity(request.credential),
    "client.get_ip": lambda request: request.connection.peer[0],
    "client.get_forwarded_ip": lambda request: request.client_ip,
    "client.get_port": lambda request: request.connection.peer[1],
    "client.get_protocol": lambda request, *_: request.connection.scheme,
    "request.get_scheme": lambda request: request.connection.scheme,
    "request.get_host": _host,
    "request.get_port": lambda request: request.connection.server_port,
    "request.get_forwarded_scheme": lambda request: request.forwarded_proto,
    "request.get_forwarded_host": _forwarded_host,
    "request.get_forwarded_port": lambda request: request.forwarded_port,
    "request.get_http_version": _version,
    "request.get_method": lambda request: text_of(request.upstream_method or request.method),
    "request.get_path": path_of,
    "request.get_raw_path": lambda request: text_of(request.path),
    "request.get_path_with_query": lambda request: text_of(request.target),
    "request.get_raw_query": lambda request: text_of(request.query or b""),
    "request.get_query": lambda request, *_: parse(request.query),
    "request.get_query_arg": _query_argument,
    "request.get_header": lambda request, name=None: header_value(request.headers, name),
    "request.get_headers": lambda request, *_: header_table(request.headers),
    "request.get_raw_body": lambda request, *_: request.body,
    "request.get_body": lambda request, *_: body_of(request),
    "request.get_uri_captures": lambda request, *_: {"named": captures_of(request)},
    "request.get_start_time": lambda request: round(time() * 1000),
}

VARIABLES = {
    b"remote_addr": "client.get_ip",
    b"remote_port": "client.get_port",
    b"request_method": "request.get_method",
    b"request_uri": "request.get_path_with_query",
    b"uri": "request.get_path",
    b"args": "request.get_raw_query",
    b"query_string": "request.get_raw_query",
    b"host": "request.get_host",
    b"scheme": "request.get_scheme",
    b"server_port": "request.get_port",
}
"""Names of ``ngx.var`` to those above."""
