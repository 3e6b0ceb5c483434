# SPDX-License-Identifier: Apache-2.0
"""What wraps every answer: our name, the time it took, and the token that is asked for."""

from __future__ import annotations

import hmac
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import __version__
from gateway.control_plane.admin.answers import answer

TOKEN_HEADER = "Kong-Admin-Token"  # noqa: S105  # the header's name, not a token


class AnswerHeaders:
    """Adds ``Server`` and, with ``latency``, ``X-Kong-Admin-Latency`` in milliseconds."""

    def __init__(self, app: ASGIApp, latency: bool = True) -> None:
        self._app = app
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = time.monotonic()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Server"] = f"kafka-gateway/{__version__}"
                if self._latency:
                    headers["X-Kong-Admin-Latency"] = str(int((time.monotonic() - started) * 1000))
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Token:
    """The token of the Admin API; None leaves it open. It may be replaced while in use."""

    def __init__(self, value: str | None) -> None:
        self._digestible = None if value is None else value.encode()

    @property
    def required(self) -> bool:
        """Whether there is a token at all."""
        return self._digestible is not None

    def replace(self, value: str | None) -> None:
        """Use another token from now on."""
        self._digestible = None if value is None else value.encode()

    def admits(self, given: str) -> bool:
        """Compare in constant time."""
        return self._digestible is None or hmac.compare_digest(given.encode(), self._digestible)


class TokenRequired:
    """Answers 401 to requests without the token, except for ``/status`` and what is below it."""

    def __init__(self, app: ASGIApp, token: Token) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path = scope["path"]
        is_open = path == "/status" or path.startswith("/status/")
        if is_open or self._token.admits(Headers(scope=scope).get(TOKEN_HEADER, "")):
            await self._app(scope, receive, send)
            return
        body = {"message": f"Unauthorized: header {TOKEN_HEADER} must hold the admin token"}
        await answer(401, body)(scope, receive, send)
