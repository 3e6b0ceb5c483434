# SPDX-License-Identifier: Apache-2.0
"""Workspaces: there is one, ``default``, and every path may begin with it, as Kong's clients do."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.control_plane.access.audit_entry import DEFAULT_WORKSPACE
from gateway.control_plane.admin.responses import respond
from gateway.errors import NotFound, Unsupported

DEFAULT = "default"
_PREFIX = f"/{DEFAULT}"
_WORKSPACE: dict[str, Any] = {
    "id": DEFAULT_WORKSPACE,
    "name": DEFAULT,
    "comment": None,
    "config": {},
    "meta": {},
    "created_at": 0,
    "updated_at": 0,
}
KINDS = ("filter-chains", "licenses", "rbac/roles", "rbac/users", "admins", "groups")
"""Collections that Kong has and this gateway has not: reads find nothing."""


class DefaultWorkspace:
    """Takes ``/default`` off the beginning of paths."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path: str = scope["path"]
        if path == _PREFIX or path.startswith(f"{_PREFIX}/"):
            scope = {**scope, "path": path.removeprefix(_PREFIX) or "/"}
        await self._app(scope, receive, send)


async def _all(request: Request) -> Response:
    if request.method == "POST":
        raise Unsupported(f"this gateway has one workspace, {DEFAULT}: others cannot be made")
    return respond(200, {"data": [_WORKSPACE], "next": None})


async def _one(request: Request) -> Response:
    if request.method not in ("GET", "HEAD"):
        raise Unsupported(f"this gateway has one workspace, {DEFAULT}: it stays as it is")
    if request.path_params["name"] not in (DEFAULT, _WORKSPACE["id"]):
        raise NotFound("Not found")
    return respond(200, _WORKSPACE)


async def _nowhere(request: Request) -> Response:
    if request.method in ("GET", "HEAD", "DELETE"):
        raise NotFound("Not found")
    path: str = request.scope["path"]
    kind = path.strip("/").split("/")[0]
    raise Unsupported(f"this gateway has no {kind}: {path} cannot be written")


def workspace_routes() -> list[Route]:
    """Return ``/workspaces``, and the paths of what Kong can and this gateway cannot."""
    one = ["GET", "PUT", "PATCH", "DELETE"]
    routes = [
        Route("/workspaces", _all, methods=["GET", "POST"]),
        Route("/workspaces/{name}", _one, methods=one),
    ]
    for kind in KINDS:
        routes += [
            Route(f"/{kind}", _nowhere, methods=["GET", "POST"]),
            Route(f"/{kind}/{{name}}", _nowhere, methods=one),
        ]
    return routes
