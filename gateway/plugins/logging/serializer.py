# SPDX-License-Identifier: Apache-2.0
"""The log entry of a request, with Kong's names (``kong/pdk/log.lua`` of 3.10, ``serialize``).

Where Kong has no time for what a produce plugin waits for, ``latencies.proxy`` is the time that
Kafka took: the wait for the delivery report, as it is the wait for the upstream otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic, time
from typing import Any

import orjson

from gateway.http import arguments
from gateway.http.messages import Request, Response
from gateway.hybrid.config_table import WORKSPACE
from gateway.plugins.logging.entities import entity_text
from gateway.plugins.produce.envelope import header_table

_REDACTED = "REDACTED"
_SECRET = ("authorization", "proxy-authorization")
_Entry = dict[str, Any]


def log_entry(request: Request, response: Response, *, plain: bool = False) -> _Entry:
    """Return what is logged of a request whose response was sent.

    For ``orjson.dumps``: entities are fragments, whose text is made once for a configuration;
    with ``plain`` they are objects as the rest is, which may be changed.
    """
    match = request.match
    since = monotonic() - request.received
    entry: _Entry = {
        "request": _request(request),
        "response": {
            "status": response.status,
            "headers": _response_headers(request, response),
            "size": request.sent,
        },
        "latencies": _latencies(request, int(since * 1000)),
        "client_ip": request.client_ip,
        "started_at": int((time() - since) * 1000),
        "upstream_uri": "",
        "upstream_status": "",
        "source": "kong" if response.generated else "upstream",
        "workspace": WORKSPACE,
        "workspace_name": "default",
    }
    shown = orjson.loads if plain else orjson.Fragment
    if match is not None:
        route = match.route
        entry["route"] = shown(entity_text(route))
        entry["workspace"] = route.get("ws_id") or WORKSPACE
        service = match.service
        if service is not None:
            entry["service"] = shown(entity_text(service))
        if request.tries is not None:
            _add_upstream(entry, request, request.tries)
    if request.consumer is not None:
        entry["consumer"] = shown(entity_text(request.consumer))
    if request.credential is not None:
        entry["authenticated_entity"] = _credential(request)
    if request.correlation_id is not None:
        entry["correlation_id"] = _text(request.correlation_id)
    if request.trace_ids:
        entry["trace_id"] = dict(request.trace_ids)
    return entry


def _request(request: Request) -> _Entry:
    connection = request.connection
    uri = _text(request.original_target or request.target)
    headers = header_table(request.headers)
    for name in _SECRET:
        if name in headers:
            headers[name] = _REDACTED
    scheme = connection.scheme
    found: _Entry = {
        "id": request.id.decode(),
        "method": request.method.decode("latin-1"),
        "uri": uri,
        "url": f"{scheme}://{_host(request)}:{connection.server_port}{uri}",
        "querystring": arguments.parse(request.query) if request.query else {},
        "headers": headers,
        "size": request.size,
    }
    if scheme == "https":
        tls = connection.tls
        if tls is not None:
            shown = connection.client_certificate is not None
            verified = request.client_verify or ("FAILED:not checked" if shown else "NONE")
            found["tls"] = {"version": tls[0], "cipher": tls[1], "client_verify": verified}
    return found


def _host(request: Request) -> str:
    """Return the host without its port, in brackets where it is an IPv6 address."""
    host = request.host
    if not host:
        here = request.connection.here
        return f"[{here}]" if ":" in here else here
    name, colon, port = host.rpartition(b":")
    if colon and port.isdigit() and (b":" not in name or name[-1:] == b"]"):
        host = name
    return _text(host.lower())


def _response_headers(request: Request, response: Response) -> Mapping[str, Any]:
    pairs = [(name.lower(), value) for name, value in response.headers]
    if request.response_lines:
        lines = request.response_lines.split(b"\r\n")
        parts = [line.partition(b":") for line in lines if line]
        pairs += [(name.lower(), value.strip()) for name, _, value in parts]
    if isinstance(response.body, bytes):
        pairs = [pair for pair in pairs if pair[0] != b"content-length"]
        pairs.append((b"content-length", b"%d" % len(response.body)))
    return header_table(pairs)


def _latencies(request: Request, total: int) -> dict[str, int]:
    """Return milliseconds: all of it, the gateway's own, the wait, and reading the response."""
    if request.upstream_status is not None:
        own = max(int((request.upstream_sent - request.received) * 1000), 0)
        waited = request.upstream_ms
        rest = max(total - own - waited, 0)
        return {"request": total, "kong": own, "proxy": waited, "receive": rest}
    if request.waiting_since is not None:
        own = min(int((request.waiting_since - request.received) * 1000), total)
        return {"request": total, "kong": own, "proxy": total - own, "receive": 0}
    return {"request": total, "kong": total, "proxy": -1, "receive": 0}


def _add_upstream(entry: _Entry, request: Request, tries: list[dict[str, Any]]) -> None:
    match = request.match
    assert match is not None
    path = _text(request.upstream_path or match.upstream_path)
    if request.query is not None:
        path += ("&" if "?" in path else "?") + _text(request.query)
    entry["upstream_uri"] = path
    statuses = [str(one["code"]) for one in tries if "code" in one]
    if request.upstream_status is not None:
        statuses.append(str(request.upstream_status))
    entry["upstream_status"] = ", ".join(statuses)
    entry["tries"] = tries


def _credential(request: Request) -> dict[str, Any]:
    """Return which credential it was, and whose; never what it says."""
    credential, consumer = request.credential, request.consumer
    found: dict[str, Any] = {"id": credential.get("id")}
    owner = credential.get("consumer") or (consumer["id"] if consumer is not None else None)
    if owner is not None:
        found["consumer_id"] = owner
    return found


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
