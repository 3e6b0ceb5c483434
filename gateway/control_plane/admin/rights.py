# SPDX-License-Identifier: Apache-2.0
"""Which role each call of the Admin API needs, and the check of it.

A read needs ``read``, a write ``write``; what needs more stands in one table here.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.control_plane.access.identity import AdminIdentity, Role
from gateway.control_plane.admin.responses import SAFE, respond

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
"""Kong's words for what a method does."""

_WRITES: dict[str, Role] = {
    "/schemas/plugins/validate": "read",
    "/schemas/{collection}/validate": "read",
    "/config": "publish",
    "/releases": "publish",
    "/releases/{number}/rollback": "publish",
    "/owners/{owner:path}": "publish",
    "/holds/{name}/publish": "publish",
}
"""Paths whose writes need another role than ``write``."""
_ADMIN = ("/tokens", "/audit")
"""Beginnings of paths that only an admin reads or writes."""


def needed(method: str, path: str) -> Role:
    """Return the role that a call needs; ``path`` is a route's, with names in braces.

    Not that of a request: what a route takes for its own, this must not take for another's.
    """
    if path.startswith(_ADMIN):
        return "admin"
    return "read" if method in SAFE else _WRITES.get(path, "write")


def refusal_text(identity: AdminIdentity, method: str, role: Role) -> str:
    """Return why a call is refused, in the words of Kong's RBAC (Kong 3.10)."""
    verb = _VERBS.get(method, "read")
    text = f"{identity.name}, you do not have permissions to {verb} this resource"
    return f"{text}: it needs a token with the role {role}"


def with_rights(routes: Iterable[Route]) -> None:
    """Have each route refuse callers that have not the role for it."""
    for route in routes:
        route.app = _Rights(route.app, route.path)


class _Rights:
    """One route's check. ``Guard`` has found out who calls."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        identity: AdminIdentity = scope["state"]["identity"]
        scope["state"]["route"] = self._path
        role = needed(scope["method"], self._path)
        if identity.may(role):
            await self._app(scope, receive, send)
        else:
            text = refusal_text(identity, scope["method"], role)
            await respond(403, {"message": text})(scope, receive, send)
