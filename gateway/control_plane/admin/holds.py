# SPDX-License-Identifier: Apache-2.0
"""Holds: which there are, publishing and dropping them, and the header that names a request's."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.control_plane.access.owner_limits import limits_of
from gateway.control_plane.admin.entities import author
from gateway.control_plane.admin.releases import release_response, wait_and_texts
from gateway.control_plane.admin.responses import read_object, respond
from gateway.control_plane.holds import HEADER, OF_REQUEST, Hold, hold_name
from gateway.control_plane.publisher import Publisher
from gateway.errors import RequestRejected


class HoldEndpoints:
    """``/holds``."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def routes(self) -> list[Route]:
        """Return all routes."""
        return [
            Route("/holds", self.all, methods=["GET"]),
            Route("/holds/{name}", self.one, methods=["GET", "DELETE"]),
            Route("/holds/{name}/publish", self.publish, methods=["POST"]),
        ]

    async def all(self, request: Request) -> Response:
        """List the holds that are open, and those that ended last."""
        holds = self._publisher.held.holds
        return respond(200, {"data": [one.body() for one in holds.shown]})

    async def one(self, request: Request) -> Response:
        """Show a hold, or drop what it holds."""
        holds = self._publisher.held.holds
        hold = holds.get(request.path_params["name"])
        if request.method == "DELETE":
            async with self._publisher.lock:
                self._check_limits(request, hold)
                holds.end(hold, "dropped: as asked")
            return respond(204)
        return respond(200, hold.body())

    async def publish(self, request: Request) -> Response:
        """Publish what a hold holds as one release."""
        who, message, wait = wait_and_texts(await read_object(request))
        who = author(request, who) if who else ""
        name = request.path_params["name"]
        check = limits_of(request.state.identity)
        return release_response(await self._publisher.publish_hold(name, who, message, wait, check))

    def _check_limits(self, request: Request, hold: Hold) -> None:
        """Raise ``Forbidden`` when a hold has what its caller may not change."""
        check, newest = limits_of(request.state.identity), self._publisher.newest
        if check is not None:
            check({} if newest is None else newest.table, hold.rebased(newest))


class HoldHeader:
    """Notes which hold a request belongs to."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        given = Headers(scope=scope).get(HEADER)
        try:
            name = None if given is None else hold_name(given)
        except RequestRejected as error:
            await respond(error.status, {"message": error.message})(scope, receive, send)
            return
        mark = OF_REQUEST.set(name)
        try:
            await self._app(scope, receive, send)
        finally:
            OF_REQUEST.reset(mark)
