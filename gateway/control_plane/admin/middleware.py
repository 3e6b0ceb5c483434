# SPDX-License-Identifier: Apache-2.0
"""What wraps the Admin API: headers of ours on every response, and which callers are let in."""

from __future__ import annotations

import hmac
import time
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import __version__
from gateway.control_plane.admin.responses import ADMITTED, respond
from gateway.http.callers import foreign
from gateway.http.wrong_tokens import WrongTokens

TOKEN_HEADER = "Kong-Admin-Token"  # noqa: S105  # the header's name, not a token
TOO_MANY = "Too many wrong admin tokens"
_FORBIDDEN = (
    "Forbidden: {}; without an admin token only programs of this machine are served: call a "
    "loopback address, name the host in KAFKA_GATEWAY_ADMIN_HOSTS, or set KONG_ADMIN_TOKEN_FILE"
)


class ResponseHeaders:
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


class AdminToken:
    """The token of the Admin API; None leaves it open. It may be replaced while in use."""

    def __init__(self, value: str | None) -> None:
        self.wrong = WrongTokens()
        """What others cost that were sent, on whichever listener."""
        self._digestible = None if value is None else value.encode()

    @property
    def required(self) -> bool:
        """Whether there is a token at all."""
        return self._digestible is not None

    def replace(self, value: str | None) -> None:
        """Use another token from now on."""
        self._digestible = None if value is None else value.encode()

    def admits(self, given: str) -> bool:
        """Compare in constant time; ``given`` has a character for each byte, as headers do."""
        expected = self._digestible
        return expected is None or hmac.compare_digest(given.encode("latin-1"), expected)


class Guard:
    """Lets in the callers that may use the Admin API.

    With a token: callers that send it, and all to ``/status`` and what is below it; others get
    401, or 429 while too many of their failures wait. Without a token the API is open to programs
    on this machine, but not to pages of other origins in its browsers: 403 (see
    ``gateway.http.callers``). ``hosts`` are the names of ours that count beside loopback ones,
    ``origins`` those of the admin GUI, whose pages may call it.
    """

    def __init__(
        self,
        app: ASGIApp,
        token: AdminToken,
        hosts: Collection[str],
        origins: Collection[str] = (),
    ) -> None:
        self._app = app
        self._token = token
        self._hosts = frozenset(hosts)
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        refused = await self._refusal(scope)
        await (refused or self._app)(scope, receive, send)

    def _without_gui(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Return the headers; without those that name the origin when it is the GUI's."""
        headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        if Headers(scope=scope).get("origin") not in self._origins:
            return headers
        return [one for one in headers if one[0] not in (b"origin", b"sec-fetch-site")]

    async def _refusal(self, scope: Scope) -> Response | None:
        path: str = scope["path"]
        if not self._token.required:
            headers = self._without_gui(scope)
            reason = foreign(headers, {*self._hosts, scope["server"][0]})
            return respond(403, {"message": _FORBIDDEN.format(reason)}) if reason else None
        if path == "/status" or path.startswith("/status/"):
            return None
        given = Headers(scope=scope).get(TOKEN_HEADER, "")
        if self._token.admits(given):
            scope[ADMITTED] = True
            return None
        if given and not await self._token.wrong.wait(scope["client"][0], path):
            return respond(429, {"message": TOO_MANY}, {"Retry-After": "10"})
        return respond(
            401, {"message": f"Unauthorized: header {TOKEN_HEADER} must hold the admin token"}
        )
