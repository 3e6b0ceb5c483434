# SPDX-License-Identifier: Apache-2.0
"""The status API of a control plane (hybrid.md §9a)."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from gateway.control_plane.admin.answers import EXCEPTION_HANDLERS, answer, read_object
from gateway.control_plane.admin.middleware import AnswerHeaders
from gateway.control_plane.publisher import Publisher
from gateway.errors import StoreError


class NodeStatus:
    """How the node is, for both APIs."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self.ready = False
        """All listeners are open."""
        self.draining = False

    async def database_reachable(self) -> bool:
        """Tell whether the database answers."""
        try:
            await self._publisher.call(self._publisher.releases.store.check)
        except StoreError:
            return False
        return True

    async def body(self) -> dict[str, Any]:
        """Return what ``GET /status`` answers."""
        newest = self._publisher.newest
        return {
            "database": {"reachable": await self.database_reachable()},
            "release": None if newest is None else newest.number,
            "configuration_hash": None if newest is None else newest.hash,
        }


def status_app(status: NodeStatus) -> ASGIApp:
    """Return the status API: ``/status`` and ``/status/ready``, open to all who reach it."""

    async def live(request: Request) -> Response:
        return answer(200, await status.body())

    async def ready(request: Request) -> Response:
        if request.method == "POST":
            wanted = (await read_object(request)).get("status")
            if wanted != "draining":
                return answer(400, {"message": 'status: expected "draining"'})
            status.draining = True
            return answer(204)
        if status.draining:
            return answer(503, {"message": "draining"})
        if not status.ready:
            return answer(503, {"message": "starting"})
        if not await status.database_reachable():
            return answer(503, {"message": "failed to connect to database"})
        return answer(200, {"message": "ready"})

    routes = [
        Route("/status", live, methods=["GET"]),
        Route("/status/ready", ready, methods=["GET", "POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers=EXCEPTION_HANDLERS)
    return AnswerHeaders(app, latency=False)
