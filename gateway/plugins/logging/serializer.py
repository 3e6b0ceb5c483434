# SPDX-License-Identifier: Apache-2.0
"""The log entry of a request, with Kong's names (``kong/pdk/log.lua`` of 3.10, ``serialize``).

Where Kong has no time for what a produce plugin waits for, ``latencies.proxy`` is the time that
Kafka took: the wait for the delivery report, as it is the wait for the upstream otherwise.
"""

from __future__ import annotations

from functools import lru_cache
from time import monotonic, time
from typing import Any

import orjson

from gateway.http import arguments
from gateway.http.messages import FixedResponse, Request, Response
from gateway.hybrid.config_table import WORKSPACE
from gateway.plugins.logging.entities import (
    entity,
    plain_entity,
    plain_members,
    route_members,
)
from gateway.plugins.produce.envelope import header_table

_REDACTED = "REDACTED"
_MOST_FIXED = 1024
_Entry = dict[str, Any]
_fixed: dict[FixedResponse, orjson.Fragment] = {}
"""The headers of responses that are the same each time."""


def log_entry(
    request: Request, response: Response, ended: float = 0.0, *, plain: bool = False
) -> _Entry:
    """Return what is logged of a request whose response was sent.

    For ``orjson.dumps``: entities are fragments, whose text is made once for a configuration;
    with ``plain`` they are objects as the rest is, which may be changed. ``ended``: when the
    response was written, in monotonic seconds; 0: now.
    """
    now = monotonic()
    received = request.received
    total = int(((ended or now) - received) * 1000)
    entry: _Entry = {
        "request": _request(request),
        "response": {
            "status": response.status,
            "headers": _response_headers(request, response, plain),
            "size": request.sent,
        },
        "latencies": _latencies(request, total),
        "client_ip": request.client_ip,
        "started_at": int((time() - now + received) * 1000),
        "upstream_uri": "",
        "upstream_status": "",
        "source": "kong" if response.generated else "upstream",
    }
    match = request.match
    if match is None:
        entry["workspace"], entry["workspace_name"] = WORKSPACE, "default"
    else:
        entry.update(plain_members(match) if plain else route_members(match))
        if request.tries is not None:
            _add_upstream(entry, request, request.tries)
    consumer = request.consumer
    if consumer is not None:
        entry["consumer"] = plain_entity(consumer) if plain else entity(consumer)
    if request.credential is not None:
        entry["authenticated_entity"] = _credential(request)
    if request.correlation_id is not None:
        entry["correlation_id"] = _text(request.correlation_id)
    trace = request.trace
    if trace is not None and trace.forms:
        entry["trace_id"] = dict.fromkeys(trace.forms, trace.id)
    return entry


def _request(request: Request) -> _Entry:
    connection = request.connection
    uri = _text(request.original_target or request.target)
    headers = header_table(request.headers)
    if "authorization" in headers:
        headers["authorization"] = _REDACTED
    if "proxy-authorization" in headers:
        headers["proxy-authorization"] = _REDACTED
    scheme = connection.scheme
    found: _Entry = {
        "id": request.id.decode(),
        "method": request.method.decode("latin-1"),
        "uri": uri,
        "url": _origin(scheme, request.host, connection.here, connection.server_port) + uri,
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


@lru_cache(maxsize=256)
def _origin(scheme: str, host: bytes | None, here: str, port: int) -> str:
    """Return scheme, host and the listener's port; without a Host it is the listener's address."""
    if not host:
        name = f"[{here}]" if ":" in here else here
        return f"{scheme}://{name}:{port}"
    before, colon, digits = host.rpartition(b":")
    if colon and digits.isdigit() and (b":" not in before or before[-1:] == b"]"):
        host = before
    return f"{scheme}://{_text(host.lower())}:{port}"


def _response_headers(request: Request, response: Response, plain: bool) -> Any:
    lines = request.response_lines
    if type(response) is FixedResponse and not lines and not plain:
        kept = _fixed.get(response)
        if kept is None:
            if len(_fixed) >= _MOST_FIXED:
                _fixed.clear()
            kept = orjson.Fragment(orjson.dumps(_table(response, lines)))
            _fixed[response] = kept
        return kept
    return _table(response, lines)


def _table(response: Response, lines: bytes) -> dict[str, Any]:
    """Return the headers by name: the response's own, and ``lines`` that go out with it."""
    pairs = [(name.lower(), value) for name, value in response.headers]
    if lines:
        parts = [line.partition(b":") for line in lines.split(b"\r\n") if line]
        pairs += [(name.lower(), value.strip()) for name, _, value in parts]
    found: dict[str, Any] = header_table(pairs)
    if isinstance(response.body, bytes):
        found["content-length"] = str(len(response.body))
    return found


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
