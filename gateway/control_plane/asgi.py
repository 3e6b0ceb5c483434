# SPDX-License-Identifier: Apache-2.0
"""ASGI applications behind our own HTTP server, which has the limits of the data plane's listeners.

Responses are collected and sent whole: those of the Admin API are made in memory anyway.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Scope

from gateway.errors import RequestRejected
from gateway.http.application import STREAM
from gateway.http.generated_responses import json_response, message_of
from gateway.http.messages import Pending, Request, Response
from gateway.logs import get_logger
from gateway.tasks import BackgroundTasks

_log = get_logger("gateway.control_plane")


class AsgiApplication:
    """``gateway.http.application.Application`` that has an ASGI application respond."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._tasks = BackgroundTasks()

    def begin(self, request: Request) -> int:
        """Have bodies streamed: a refusal by the head alone goes out before any of them."""
        request.connection.has_asked = True
        return STREAM

    def handle(self, request: Request) -> Pending:
        """Start the application; its work goes on when the client disconnects."""
        call = _Call(request)
        self._tasks.start(call.run(self._app))
        return call.pending

    def finished(self, request: Request, response: Response, written: int) -> None:
        """Nothing is counted here."""


class _Call:
    """One request on its way through the application."""

    def __init__(self, request: Request) -> None:
        self.pending = Pending()
        self.pending.on_abandon = self._leave
        self._request = request
        self._gone = asyncio.Event()
        self._stream = None if request.stream is None else aiter(request.stream)
        self._read = False
        self._rejected: RequestRejected | None = None
        self._head: Message | None = None
        self._body: list[bytes] = []

    async def run(self, app: ASGIApp) -> None:
        """Have the application respond; whatever it does, there is a response."""
        try:
            await app(_scope(self._request), self._receive, self._send)
        except Exception:
            if self._rejected is None and not self.pending.abandoned:
                _log.exception("request failed", path=self._request.path.decode("latin-1"))
        self.pending.resolve(self._response())

    def _leave(self) -> None:
        self._gone.set()

    async def _receive(self) -> Message:
        if self._rejected is not None:
            return {"type": "http.disconnect"}
        if self._read:
            # The whole body was handed over: nothing comes any more but the client's leaving.
            await self._gone.wait()
            return {"type": "http.disconnect"}
        try:
            chunk = b"" if self._stream is None else await anext(self._stream, b"")
        except RequestRejected as error:
            self._rejected = error
            return {"type": "http.disconnect"}
        self._read = not chunk
        return {"type": "http.request", "body": chunk, "more_body": bool(chunk)}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._head = message
        elif message["type"] == "http.response.body":
            self._body.append(bytes(message.get("body", b"")))

    def _response(self) -> Response:
        if self._rejected is not None:
            return json_response(self._rejected.status, self._rejected.message)
        if self._head is None:
            return json_response(500, message_of(500))
        headers = [(_written(name), value) for name, value in self._head.get("headers", ())]
        return Response(self._head["status"], headers, b"".join(self._body))


def _scope(request: Request) -> Scope:
    connection = request.connection
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": request.version,
        "method": request.method.decode("latin-1"),
        "scheme": connection.scheme,
        "path": unquote_to_bytes(request.path).decode("utf-8", "replace"),
        "raw_path": request.path,
        "query_string": request.query or b"",
        "root_path": "",
        "headers": request.headers,
        "client": connection.peer,
        "server": (connection.here, connection.server_port),
    }
    return scope


def _written(name: bytes) -> bytes:
    """Return a header's name as it is usually written: ``Content-Type``."""
    return b"-".join(part.capitalize() for part in name.split(b"-"))
