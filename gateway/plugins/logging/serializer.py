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

from gateway import native
from gateway.http import arguments
from gateway.http.messages import FixedResponse, Request, Response
from gateway.hybrid.config_table import WORKSPACE
from gateway.plugins.logging.entities import (
    entity,
    members,
    plain_entity,
    plain_members,
    route_members,
    route_text,
)
from gateway.plugins.produce.envelope import header_table

_REDACTED = "REDACTED"
_MOST_FIXED = 1024
_Entry = dict[str, Any]
_fixed: dict[FixedResponse, bytes] = {}
"""The headers of responses that are the same each time, as JSON."""
_NO_ROUTE: _Entry = {"workspace": WORKSPACE, "workspace_name": "default"}
_NO_ROUTE_TEXT = members(_NO_ROUTE)


class EntryTexts:
    """Writes the entries of requests that come together, most of which share much; then let go.

    ``since``: when monotonic seconds were 0, in seconds since 1970.
    """

    __slots__ = (
        "_end",
        "_here",
        "_host",
        "_match",
        "_middle",
        "_origin",
        "_port",
        "_response",
        "_since",
    )

    def __init__(self, since: float) -> None:
        self._since = since
        # What was written last, and of what.
        self._match: Any = self
        self._response: Any = None
        self._middle = self._end = b""
        self._host: bytes | None = None
        self._here, self._port = "", -1
        self._origin = ""

    def write(self, request: Request, response: Response) -> bytes:
        """Return ``log_entry`` as JSON."""
        connection = request.connection
        made = None
        if request.query is None and connection.scheme == "http":
            host, here, port = request.host, connection.here, connection.server_port
            if host != self._host or here != self._here or port != self._port:
                self._host, self._here, self._port = host, here, port
                self._origin = _origin("http", host, here, port)
            trace, waiting, upstream = request.trace, request.waiting_since, None
            tried = False
            if waiting is None:
                # No upstream is asked where a record is waited for.
                tried = request.tries is not None
                if request.upstream_status is not None:
                    upstream = request.upstream_sent, request.upstream_ms
            if (
                request.match is not self._match
                or response is not self._response
                or request.response_lines
                or request.consumer is not None
                or request.credential is not None
                or tried
                or request.correlation_id is not None
                or (trace is not None and trace.forms)
            ):
                self._share(request, response)
            text = native.log_text
            made = text(
                request.id,
                request.method,
                request.original_target or request.target,
                self._origin,
                request.headers,
                request.size,
                self._middle,
                request.sent,
                request.received,
                request.ended,
                waiting,
                upstream,
                request.named_ip or connection.peer[0],
                self._since,
                self._end,
            )
        return orjson.dumps(log_entry(request, response, self._since)) if made is None else made

    def _share(self, request: Request, response: Response) -> None:
        """Write what the entries of other requests may have as well.

        They are: on the same route, with the same response, and without what not all entries have.
        """
        match, rest = request.match, _rest(request, plain=False)
        path, statuses = _upstream(request)
        lasts = not rest and request.tries is None and not request.response_lines
        self._match, self._response = (match, response) if lasts else (self, None)
        self._middle = b'},"response":{"status":%d,"headers":%b,"size":' % (
            response.status,
            _headers_text(request, response),
        )
        last = {
            "upstream_uri": _text(path),
            "upstream_status": statuses,
            "source": "kong" if response.generated else "upstream",
        }
        known = _NO_ROUTE_TEXT if match is None else route_text(match)
        self._end = b"%b%b%b}" % (members(last), known, members(rest))


def log_entry(
    request: Request, response: Response, since: float = 0.0, *, plain: bool = False
) -> _Entry:
    """Return what is logged of a request whose response was sent.

    For ``orjson.dumps``: entities are fragments, whose text is made once for a configuration;
    with ``plain`` they are objects as the rest is, which may be changed. ``since``: when monotonic
    seconds were 0, in seconds since 1970; 0: it is looked up.
    """
    total, own, waited, rest = _latencies(request)
    path, statuses = _upstream(request)
    entry: _Entry = {
        "request": _request(request),
        "response": {
            "status": response.status,
            "headers": _response_headers(request, response, plain),
            "size": request.sent,
        },
        "latencies": {"request": total, "kong": own, "proxy": waited, "receive": rest},
        "client_ip": request.client_ip,
        "started_at": int(((since or time() - monotonic()) + request.received) * 1000),
        "upstream_uri": _text(path),
        "upstream_status": statuses,
        "source": "kong" if response.generated else "upstream",
    }
    match = request.match
    if match is None:
        entry |= _NO_ROUTE
    else:
        entry.update(plain_members(match) if plain else route_members(match))
    return entry | _rest(request, plain=plain)


def _rest(request: Request, *, plain: bool) -> _Entry:
    """Return what not all entries have."""
    found: _Entry = {}
    if request.match is not None and request.tries is not None:
        found["tries"] = request.tries
    consumer = request.consumer
    if consumer is not None:
        found["consumer"] = plain_entity(consumer) if plain else entity(consumer)
    if request.credential is not None:
        found["authenticated_entity"] = _credential(request)
    if request.correlation_id is not None:
        found["correlation_id"] = _text(request.correlation_id)
    trace = request.trace
    if trace is not None and trace.forms:
        found["trace_id"] = dict.fromkeys(trace.forms, trace.id)
    return found


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


def _headers_text(request: Request, response: Response) -> bytes:
    """Return the response's headers as JSON; a text made once where they are the same each time."""
    lines = request.response_lines
    if type(response) is not FixedResponse or lines:
        return orjson.dumps(_table(response, lines))
    kept = _fixed.get(response)
    if kept is None:
        if len(_fixed) >= _MOST_FIXED:
            _fixed.clear()
        kept = _fixed[response] = orjson.dumps(_table(response, lines))
    return kept


def _response_headers(request: Request, response: Response, plain: bool) -> Any:
    if plain:
        return _table(response, request.response_lines)
    return orjson.Fragment(_headers_text(request, response))


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


def _latencies(request: Request) -> tuple[int, int, int, int]:
    """Return milliseconds: all of it, the gateway's own, the wait, and reading the response."""
    total = int((request.ended - request.received) * 1000)
    since = request.waiting_since
    if since is not None:
        own = min(int((since - request.received) * 1000), total)
        return total, own, total - own, 0
    if request.upstream_status is not None:
        own = max(int((request.upstream_sent - request.received) * 1000), 0)
        waited = request.upstream_ms
        return total, own, waited, max(total - own - waited, 0)
    return total, total, -1, 0


def _upstream(request: Request) -> tuple[bytes, str]:
    """Return the URI that upstreams were asked for, and the statuses of what they sent."""
    match, tries = request.match, request.tries
    if match is None or tries is None:
        return b"", ""
    path = request.upstream_path or match.upstream_path
    if request.query is not None:
        path += (b"&" if b"?" in path else b"?") + request.query
    statuses = [str(one["code"]) for one in tries if "code" in one]
    if request.upstream_status is not None:
        statuses.append(str(request.upstream_status))
    return path, ", ".join(statuses)


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
