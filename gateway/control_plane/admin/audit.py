# SPDX-License-Identifier: Apache-2.0
"""Noting every write in the audit log, and showing it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.control_plane.access.audit_entry import OF_REQUEST, AuditedCall
from gateway.control_plane.access.audit_log import AuditLog
from gateway.control_plane.admin.pages import following, page_before, page_size
from gateway.control_plane.admin.paths import shown_path
from gateway.control_plane.admin.responses import SAFE, respond, warning
from gateway.control_plane.publisher import Publisher
from gateway.errors import AuditError

REQUEST_ID = "X-Kong-Admin-Request-ID"
"""The header with the id of a call, as Kong has it; the audit log notes it."""


class Audit:
    """Notes each write of a caller that is let in, whatever becomes of it.

    Inside of ``Guard``, which says who calls, and counts the calls of others.
    """

    def __init__(self, app: ASGIApp, log: AuditLog | None) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request_id = secrets.token_hex(16)
        log = None if scope["method"] in SAFE else self._log
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                if log is not None and log.problem:
                    headers.append("Warning", warning(f"not audited yet: {log.problem}"))
            await send(message)

        if log is None:
            await self._app(scope, receive, send_with_id)
            return
        try:
            log.check()
        except AuditError as error:
            refusal = respond(503, {"message": str(error)}, {"Retry-After": "1"})
            await refusal(scope, receive, send_with_id)
            return
        made: list[int] = []
        mark = OF_REQUEST.set(made)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            OF_REQUEST.reset(mark)
            log.note(_call(scope, request_id, status, made).entry())


def _call(scope: Scope, request_id: str, status: int, made: list[int]) -> AuditedCall:
    state = scope["state"]
    return AuditedCall(
        request_id=request_id,
        identity=state["identity"],
        address=scope["client"][0],
        agent=Headers(scope=scope).get("user-agent", ""),
        method=scope["method"],
        path=shown_path(scope["path"]),
        body=state.get("body"),
        status=status,
        releases=tuple(made),
    )


class AuditEndpoints:
    """``/audit/requests``."""

    def __init__(self, log: AuditLog | None, publisher: Publisher) -> None:
        self._log = log
        self._publisher = publisher

    def routes(self) -> Iterator[Route]:
        """Yield all routes; none where the log is off."""
        if self._log is not None:
            yield Route("/audit/requests", self.requests, methods=["GET"])

    async def requests(self, request: Request) -> Response:
        """List entries, the newest first, in pages."""
        log = self._log
        assert log is not None
        size = page_size(request.query_params)
        before = page_before(request.query_params)
        await log.flush()
        found = await self._publisher.call(lambda: log.store.page(size + 1, before))
        shown = found.entries[:size]
        now = time.time()
        data: list[dict[str, Any]] = [
            {**entry, "ttl": max(0, int(entry["request_timestamp"] + log.store.kept_for - now))}
            for _, entry in shown
        ]
        body: dict[str, Any] = {"data": data, "next": None, "total": found.total}
        if len(found.entries) > size:
            body |= following("/audit/requests", size, shown[-1][0])
        return respond(200, body)
