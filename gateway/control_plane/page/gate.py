# SPDX-License-Identifier: Apache-2.0
"""What stands before the page: who is signed in, and headers that keep a browser to it."""

from __future__ import annotations

from collections.abc import Collection
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.control_plane.access.authentication import Authentication
from gateway.control_plane.access.identity import AdminIdentity
from gateway.control_plane.admin.middleware import while_valid
from gateway.control_plane.page.session import LONGEST, SessionSealer
from gateway.control_plane.page.static_files import PREFIX
from gateway.control_plane.page.viewer import sign
from gateway.http.callers import foreign, host_of

SIGN_IN = "/sign-in"
COOKIE = "kafka_gateway_page"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Content Security Policy, level 3: nothing inline, nothing from elsewhere, in nobody's frame."""
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class PageHeaders:
    """Adds the headers that tell a browser what pages of ours may do; nothing is kept by it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class PageGate:
    """Lets in who is signed in; everybody to the way in and to scripts and styles.

    Without an admin token the page is open to browsers of this machine, as the Admin API is to
    programs of it. What changes something must not come from a page of another origin.
    """

    def __init__(
        self,
        app: ASGIApp,
        authentication: Authentication,
        sealer: SessionSealer,
        hosts: Collection[str],
    ) -> None:
        self._app = app
        self._authentication = authentication
        self._sealer = sealer
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        refused = self._refusal(scope)
        viewer: AdminIdentity | None = scope.get("state", {}).get("identity")
        if viewer is not None:
            receive = while_valid(receive, self._authentication, viewer)
        await (refused or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        path: str = scope["path"]
        if path.startswith(f"{PREFIX}/"):
            return None
        reason = self._foreign(scope)
        if reason:
            return Response(f"Forbidden: {reason}", 403, media_type="text/plain")
        if not self._authentication.required:
            sign(scope, self._authentication.anybody(), "")
            return None
        cookie = _cookie(Headers(scope=scope))
        token = self._sealer.open(cookie) if cookie else None
        identity = None if token is None else self._authentication.authenticate(token)
        if identity is not None and identity.may("read"):
            sign(scope, identity, cookie)
            return None
        return None if path == SIGN_IN else _to_sign_in(scope)

    def _foreign(self, scope: Scope) -> str:
        """Say why a request may be the doing of another origin's page; "" where it cannot be."""
        headers = scope["headers"]
        hosts = {*self._hosts, scope["server"][0]}
        if self._authentication.required:
            if scope["method"] in ("GET", "HEAD"):
                return ""  # the cookie is sent to nobody's links but ours
            hosts.add(host_of(Headers(scope=scope).get("host", "")))
        return foreign(headers, hosts)


def session_cookie(value: str, scheme: str) -> str:
    """Return the header that has a browser keep a session, or forget it: an empty value."""
    secure = "; Secure" if scheme == "https" else ""
    age = LONGEST if value else 0
    return f"{COOKIE}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"


def _to_sign_in(scope: Scope) -> Response:
    """Send a browser to the way in, and from there back to where it was."""
    headers, path = Headers(scope=scope), scope["path"]
    if headers.get("HX-Request"):
        return Response(status_code=401, headers={"HX-Redirect": SIGN_IN})
    if scope["method"] != "GET" or path == "/events":
        return Response("Sign in first", 401, media_type="text/plain")
    target = path + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
    back = "" if target == "/" else f"?next={quote(target, safe='')}"
    return RedirectResponse(f"{SIGN_IN}{back}", 303)


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value
