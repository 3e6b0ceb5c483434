# SPDX-License-Identifier: Apache-2.0
"""The page of the audit log, and noting in it what is done on the page."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.control_plane.access.audit_log import AuditLog
from gateway.control_plane.admin.audit import Audit
from gateway.control_plane.admin.pages import number_in
from gateway.control_plane.page.view import View
from gateway.control_plane.page.viewer import demand
from gateway.control_plane.publisher import Publisher
from gateway.errors import NotFound

SIZE = 50
"""Entries on one page."""


class AuditedWrites:
    """Has writes of who is signed in noted, as those of the Admin API are."""

    def __init__(self, app: ASGIApp, log: AuditLog | None) -> None:
        self._app = app
        self._audited = Audit(app, log)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        known = "identity" in scope.get("state", {})
        await (self._audited if known else self._app)(scope, receive, send)


class AuditView:
    """``/audit``, for those with the role ``admin``."""

    def __init__(self, view: View, publisher: Publisher, log: AuditLog | None) -> None:
        self._view = view
        self._publisher = publisher
        self._log = log

    def routes(self) -> list[Route]:
        """Return all routes; none where the log is off."""
        return [] if self._log is None else [Route("/audit", self.audit, methods=["GET"])]

    async def audit(self, request: Request) -> Response:
        """List entries, the newest first."""
        demand(request, "admin")
        log = self._log
        assert log is not None
        text = request.query_params.get("before", "")
        before = number_in(text)
        if text and before is None:
            raise NotFound("There is no such page.")
        await log.flush()
        found = await self._publisher.call(lambda: log.store.page(SIZE + 1, before))
        return self._view.render(
            request,
            "audit.html",
            entries=[entry for _, entry in found.entries[:SIZE]],
            total=found.total,
            older=found.entries[SIZE - 1][0] if len(found.entries) > SIZE else None,
            first=before is None,
            problem=log.problem,
        )
