# SPDX-License-Identifier: Apache-2.0
"""Respond in the access phase, with what is configured or with the request itself."""

from __future__ import annotations

import os
import socket
from typing import Any

import orjson

from gateway.http import arguments
from gateway.http.generated_responses import JSON
from gateway.http.headers import spellings
from gateway.http.messages import FixedResponse, Request, Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.consumers import header_value
from gateway.plugins.produce.envelope import header_table

_MESSAGES = {
    401: "Unauthorized",
    404: "Not found",
    405: "Method not allowed",
    500: "An unexpected error occurred",
    502: "Bad Gateway",
    503: "Service unavailable",
}


class RequestTermination(Handler):
    """Responds to all requests, or to those with the trigger."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self.needs_body = config.echo
        self._fixed = None if config.echo else _fixed(config)
        trigger: str | None = config.trigger
        self._header = frozenset(spellings(trigger.lower().encode())) if trigger else None
        self._argument = trigger

    def access(self, request: Request) -> Response | None:
        """Respond, unless there is a trigger and the request is without it."""
        if self._header is not None and not self._triggered(request):
            return None
        return self._fixed or self._echo(request)

    def _triggered(self, request: Request) -> bool:
        assert self._header is not None
        if any(name in self._header for name, _ in request.headers):
            return True
        return bool(request.query) and self._argument in arguments.parse(request.query)

    def _echo(self, request: Request) -> Response:
        status: int = self.config.status_code
        match = request.match
        shown = {
            "message": self.config.message or _MESSAGES.get(status),
            "kong": {"worker_pid": os.getpid(), "hostname": socket.gethostname()},
            "request": {
                "scheme": request.connection.scheme,
                "host": _text(request.host or b""),
                "port": request.connection.server_port,
                "headers": header_table(request.headers),
                "query": arguments.parse(request.query),
                "body": _parsed(request),
                "raw_body": request.body.decode("utf-8", "replace"),
                "method": _text(request.method),
                "path": _text(request.path),
                "uri_captures": {} if match is None else _captures(match),
            },
            "matched_route": None if match is None else match.route,
            "matched_service": None if match is None else match.service,
        }
        return _sendable(Response(status, [(b"Content-Type", JSON)], orjson.dumps(shown)))


def _fixed(config: Any) -> Response:
    status: int = config.status_code
    headers: list[tuple[bytes, bytes]] = []
    body = b""
    if config.body is not None:
        body = config.body.encode()
        if config.content_type:
            headers.append((b"Content-Type", header_value(config.content_type)))
    elif message := config.message or _MESSAGES.get(status):
        headers.append((b"Content-Type", JSON))
        body = orjson.dumps({"message": message})
    return _sendable(FixedResponse(status, headers, body))


def _sendable(response: Response) -> Response:
    """Return a response that a client can tell the end of.

    After an interim status it waits for another (RFC 9110 section 15.2): only the end of the
    connection tells that there is none.
    """
    if response.status < 200:
        return Response(response.status, response.headers, close=True)
    if response.status in (204, 304):
        response.body = b""
    return response


def _parsed(request: Request) -> Any:
    """Return a body of a type that has fields as a value; None for others, and broken ones."""
    kind = (request.header(b"content-type") or b"").partition(b";")[0].strip().lower()
    if kind == b"application/x-www-form-urlencoded":
        return arguments.parse(request.body)
    if kind != b"application/json":
        return None
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return None


def _captures(match: Any) -> dict[str, str | None]:
    return {name: None if value is None else _text(value) for name, value in match.captures.items()}


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
