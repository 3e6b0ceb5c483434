# SPDX-License-Identifier: Apache-2.0
"""What wraps the Admin API: headers of ours on every response, and which callers are let in."""

from __future__ import annotations

import time
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway import __version__
from gateway.control_plane.access.authentication import NOBODY, Authentication
from gateway.control_plane.access.identity import AdminIdentity
from gateway.control_plane.access.sent_token import AUTHORIZATION, TOKEN_HEADER, sent_token_of
from gateway.control_plane.admin.paths import shown_path
from gateway.control_plane.admin.responses import respond
from gateway.control_plane.asgi import CLIENT_CERTIFICATE
from gateway.control_plane.publish_spans import CALLER
from gateway.http.callers import foreign

TOO_MANY = "Too many wrong admin tokens"
_FORBIDDEN = (
    "Forbidden: {}; without an admin token only programs of this machine are served: call a "
    "loopback address, name the host in KAFKA_GATEWAY_ADMIN_HOSTS, or set KONG_ADMIN_TOKEN_FILE"
)
_UNAUTHORIZED = (
    "Invalid RBAC credentials. Token or User credentials required: send a valid token in the "
    f"header {TOKEN_HEADER}, or as {AUTHORIZATION}: Bearer, or as Basic with its name as user"
)
"""Begins as Kong 3.10 has it."""
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="kafka-gateway"'}
"""Not Basic: browsers would ask people for a password."""
_ANYBODY = AdminIdentity(NOBODY, frozenset({"read"}), proven=False)


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


class CallerTrace:
    """Has what a call publishes belong to the trace that its ``traceparent`` names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        mark = CALLER.set(Headers(scope=scope).get("traceparent", ""))
        try:
            await self._app(scope, receive, send)
        finally:
            CALLER.reset(mark)


def while_valid(
    receive: Receive, authentication: Authentication, identity: AdminIdentity
) -> Receive:
    """Return what receives a body, and raises 401 where its sender's token has ended meanwhile.

    A body may take minutes, in which a token is revoked or expires.
    """

    async def receive_while_valid() -> Message:
        message = await receive()
        whole = message["type"] == "http.request" and not message.get("more_body")
        if whole and identity.proven and not authentication.is_valid(identity):
            raise HTTPException(401, _UNAUTHORIZED, _CHALLENGE)
        return message

    return receive_while_valid


class Guard:
    """Finds out who calls, and lets in who may use the Admin API: ``request.state.identity``.

    Where a token is required: callers that send a valid one, or show a client certificate that
    names one, and all to ``/status`` and what is
    below it; others get 401, or 429 while too many of their failures wait. Without a token the API
    is open to programs on this machine, but not to pages of other origins in its browsers: 403
    (see ``gateway.http.callers``). ``hosts`` are the names of ours that count beside loopback
    ones, ``origins`` those of the admin GUI, whose pages may call it.
    """

    def __init__(
        self,
        app: ASGIApp,
        authentication: Authentication,
        hosts: Collection[str],
        origins: Collection[str] = (),
    ) -> None:
        self._app = app
        self._authentication = authentication
        self._hosts = frozenset(hosts)
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        found = await self._look(scope)
        if isinstance(found, Response):
            await found(scope, receive, send)
            return
        scope.setdefault("state", {})["identity"] = found
        await self._app(scope, while_valid(receive, self._authentication, found), send)

    def _without_gui(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Return the headers; without those that name the origin when it is the GUI's."""
        headers: list[tuple[bytes, bytes]] = list(scope["headers"])
        if Headers(scope=scope).get("origin") not in self._origins:
            return headers
        return [one for one in headers if one[0] not in (b"origin", b"sec-fetch-site")]

    async def _look(self, scope: Scope) -> AdminIdentity | Response:
        path: str = scope["path"]
        if not self._authentication.required:
            headers = self._without_gui(scope)
            reason = foreign(headers, {*self._hosts, scope["server"][0]})
            if reason:
                return respond(403, {"message": _FORBIDDEN.format(reason)})
            return self._authentication.anybody()
        if path == "/status" or path.startswith("/status/"):
            return _ANYBODY
        sent = sent_token_of(Headers(scope=scope))
        found = self._authentication.identify(sent)
        if sent is None:
            found = self._authentication.of_certificate(scope.get(CLIENT_CERTIFICATE))
        if found is not None:
            return found
        if sent and not await self._authentication.wrong.wait(scope["client"][0], shown_path(path)):
            return respond(429, {"message": TOO_MANY}, {"Retry-After": "10"})
        return respond(401, {"message": _UNAUTHORIZED}, _CHALLENGE)
