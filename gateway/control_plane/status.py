# SPDX-License-Identifier: Apache-2.0
"""The status API of a control plane: Kong's ``status_listen``."""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gateway.control_plane.access.audit_log import AuditLog
from gateway.control_plane.access.authentication import Authentication
from gateway.control_plane.access.sent_token import sent_token_of
from gateway.control_plane.admin.middleware import TOO_MANY, ResponseHeaders
from gateway.control_plane.admin.paths import serve_trailing_slashes
from gateway.control_plane.admin.responses import EXCEPTION_HANDLERS, read_object, respond
from gateway.control_plane.publisher import Publisher
from gateway.data_plane.master.exposition import OPENMETRICS, TEXT, wants_openmetrics
from gateway.errors import StoreError
from gateway.http.callers import NOT_LOCAL, foreign, is_local
from gateway.logs import get_logger

_log = get_logger("gateway.control_plane")


class NodeStatus:
    """How the node is, for both APIs."""

    def __init__(self, publisher: Publisher, audit: AuditLog | None = None) -> None:
        self._publisher = publisher
        self._audit = audit
        self.ready = False
        """All listeners are open."""
        self.draining = False
        """Asked for over the status API, where it can be taken back."""
        self._checking: asyncio.Task[bool] | None = None

    async def database_reachable(self) -> bool:
        """Tell whether the database responds; calls at the same time share one check."""
        if self._checking is None:
            self._checking = asyncio.create_task(self._check())
            self._checking.add_done_callback(self._checked)
        return await asyncio.shield(self._checking)

    async def _check(self) -> bool:
        try:
            await self._publisher.call(self._publisher.releases.store.check)
        except StoreError:
            return False
        return True

    def _checked(self, _task: asyncio.Task[bool]) -> None:
        self._checking = None

    @property
    def audit_problem(self) -> str:
        """Why the audit log is not written; empty when it is, or when there is none."""
        return "" if self._audit is None else self._audit.problem

    async def body(self) -> dict[str, Any]:
        """Return the body of ``GET /status``."""
        newest = await self._publisher.newest_with_hash()
        return {
            "database": {"reachable": await self.database_reachable()},
            "draining": self.draining,
            "release": None if newest is None else newest.number,
            "configuration_hash": None if newest is None else newest.hash,
            "audit_log": None if self._audit is None else self._audit.problem or "written",
            "refusals": [one.body() for one in self._publisher.judge.refusals],
        }


class Metrics(Protocol):
    """What writes the text of ``/metrics``."""

    async def render(self, *, openmetrics: bool = False) -> bytes:
        """Return the whole text."""
        ...


def status_app(
    status: NodeStatus, authentication: Authentication, written: Metrics | None = None
) -> ASGIApp:
    """Return the status API: ``/status``, ``/status/ready`` and ``/metrics``.

    All that reach it may read; only programs of this machine, or with the token of an admin,
    change whether the node reports itself ready.
    """

    async def live(request: Request) -> Response:
        return respond(200, await status.body())

    async def ready(request: Request) -> Response:
        if request.method == "POST":
            if not _may_drain(request, authentication):
                return await _refusal(request, authentication)
            wanted = (await read_object(request)).get("status")
            if wanted not in ("draining", "ready"):
                return respond(400, {"message": 'status: expected "draining" or "ready"'})
            status.draining = wanted == "draining"
            _log.info("readiness changed as asked", status=wanted, ip=request.scope["client"][0])
            return respond(204)
        if status.draining:
            return respond(503, {"message": "draining"})
        if not status.ready:
            return respond(503, {"message": "starting"})
        if not await status.database_reachable():
            return respond(503, {"message": "failed to connect to database"})
        return respond(200, {"message": "ready"})

    async def metrics(request: Request) -> Response:
        assert written is not None
        openmetrics = wants_openmetrics(request.headers.get("accept", "").encode())
        kind = (OPENMETRICS if openmetrics else TEXT).decode()
        body = await written.render(openmetrics=openmetrics)
        return Response(body, headers={"Content-Type": kind})

    routes = [
        Route("/status", live, methods=["GET"]),
        Route("/status/ready", ready, methods=["GET", "POST"]),
    ]
    if written is not None:
        routes.append(Route("/metrics", metrics, methods=["GET"]))
    app = Starlette(routes=routes, exception_handlers=EXCEPTION_HANDLERS)
    serve_trailing_slashes(app.router)
    return ResponseHeaders(app, latency=False)


async def _refusal(request: Request, authentication: Authentication) -> Response:
    if sent_token_of(request.headers) is not None:
        (address, _) = request.scope["client"]
        if not await authentication.wrong.wait(address, request.url.path):
            return respond(429, {"message": TOO_MANY}, {"Retry-After": "10"})
    return respond(403, {"message": NOT_LOCAL})


def _may_drain(request: Request, authentication: Authentication) -> bool:
    sent = sent_token_of(request.headers)
    if sent is not None:
        found = authentication.identify(sent)
        return found is not None and found.may("admin")
    (peer, _), (here, _) = request.scope["client"], request.scope["server"]
    return is_local(peer, here) and not foreign(request.scope["headers"], (here,))
