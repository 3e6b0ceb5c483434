# SPDX-License-Identifier: Apache-2.0
"""ASGI applications behind our own HTTP server, which has the limits of the data plane's listeners.

Responses are collected and sent whole, as those of the Admin API are made in memory anyway; one
whose first piece is not its last is sent as it comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Scope

from gateway.control_plane.admin.paths import shown_path
from gateway.errors import RequestRejected
from gateway.http.application import STREAM
from gateway.http.generated_responses import json_response, message_of
from gateway.http.messages import Pending, Request, Response
from gateway.logs import get_logger
from gateway.tasks import BackgroundTasks

_PIECES = 16
"""Pieces of a response that wait for their client before the application has to."""

CLIENT_CERTIFICATE = "kafka_gateway.client_certificate"
"""In a scope: the certificate (DER) that TLS has verified, where the listener asks for one."""

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
        self._pieces: _Pieces | None = None

    async def run(self, app: ASGIApp) -> None:
        """Have the application respond; whatever it does, there is a response."""
        try:
            await app(_scope(self._request), self._receive, self._send)
        except Exception:
            left = self.pending.abandoned or (self._pieces is not None and self._pieces.left)
            if self._rejected is None and not left:
                _log.exception(
                    "request failed", path=shown_path(self._request.path.decode("latin-1"))
                )
            if self._pieces is not None:
                self._pieces.fail()
        if self._pieces is None:
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
            return
        piece, more = bytes(message.get("body", b"")), bool(message.get("more_body"))
        if self._pieces is None and more:
            self._pieces = _Pieces(self._leave)
            self.pending.resolve(self._response())
        if self._pieces is None:
            self._body.append(piece)
        else:
            await self._pieces.put(piece, more)

    def _response(self) -> Response:
        if self._rejected is not None:
            return json_response(self._rejected.status, self._rejected.message)
        if self._head is None:
            return json_response(500, message_of(500))
        headers = [(_written(name), value) for name, value in self._head.get("headers", ())]
        body = b"".join(self._body) if self._pieces is None else self._pieces
        return Response(self._head["status"], headers, body)


class _Pieces:
    """The body of a response that is still made, as the HTTP server reads one."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_PIECES)
        self._leave = leave
        self._failed = False
        self.left = False
        """Nobody reads any more."""

    async def put(self, piece: bytes, more: bool) -> None:
        """Add a piece, and the end; wait while too many wait.

        Raises ``ConnectionError`` when the client has left: nothing else would stop an application
        that goes on for ever.
        """
        for item in (piece, None)[: 1 if more else 2]:
            if self.left:
                raise ConnectionError("the client has left")
            await self._waiting.put(item)

    def fail(self) -> None:
        """Have the connection cut: the body ends here and is not whole."""
        self._failed = True
        if not self._waiting.full():
            self._waiting.put_nowait(None)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece."""
        if self._failed and self._waiting.empty():
            raise ConnectionError("the application failed")
        piece = await self._waiting.get()
        if piece is not None:
            return piece
        if self._failed:
            raise ConnectionError("the application failed")
        raise StopAsyncIteration

    def close(self) -> None:
        """Note that nobody reads any more; what waits to be put goes on."""
        self.left = True
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._leave()

    async def aclose(self) -> None:
        """Do the same, as the server closes what it has begun to read."""
        self.close()


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
        CLIENT_CERTIFICATE: connection.client_certificate,
    }
    return scope


def _written(name: bytes) -> bytes:
    """Return a header's name as it is usually written: ``Content-Type``."""
    return b"-".join(part.capitalize() for part in name.split(b"-"))
