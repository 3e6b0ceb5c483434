# SPDX-License-Identifier: Apache-2.0
"""The pages of routes: search, and one route with its policies in the order in which they run."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane.page.figures import TrafficFigures
from gateway.control_plane.page.route_lines import RouteLines
from gateway.control_plane.page.search import Search
from gateway.control_plane.page.view import View
from gateway.control_plane.publisher import Publisher
from gateway.errors import NotFound

SIZE = 50
"""Routes on one page."""


class RoutesPage:
    """``/routes`` and one route."""

    def __init__(self, view: View, publisher: Publisher, figures: TrafficFigures) -> None:
        self._view = view
        self._publisher = publisher
        self._figures = figures
        self._lines: RouteLines | None = None

    def routes(self) -> list[Route]:
        """Return all routes."""
        return [
            Route("/routes", self.list_routes, methods=["GET"]),
            Route("/routes/{key}", self.route, methods=["GET"]),
        ]

    async def list_routes(self, request: Request) -> Response:
        """List routes, those of a search or all, in pages."""
        lines = await self._of_now()
        found = Search(request).among(lines.rows, lines.haystack, SIZE)
        shown = [lines.line(row) for row in found.rows]
        return self._view.render(
            request,
            "routes.html",
            found=found,
            lines=[(one, self._figures.of_route(one.service, one.name)) for one in shown],
        )

    async def route(self, request: Request) -> Response:
        """Show one route."""
        lines = await self._of_now()
        row = lines.find(request.path_params["key"].lower())
        if row is None:
            raise NotFound("There is no such route any more.")
        line = lines.line(row, with_settings=True)
        return self._view.render(
            request,
            "route.html",
            line=line,
            special=lines.special(row),
            figures=self._figures.of_route(line.service, line.name),
        )

    async def _of_now(self) -> RouteLines:
        """Return the routes of the newest configuration, sorted once for it."""
        table = self._publisher.table
        if self._lines is None or self._lines.table is not table:
            self._lines = await self._publisher.call(lambda: RouteLines(table))
        return self._lines
