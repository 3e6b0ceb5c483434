# SPDX-License-Identifier: Apache-2.0
"""The pages of routes: search, and one route with its policies in the order in which they run."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane.page.figures import TrafficFigures
from gateway.control_plane.page.route_lines import RouteLines
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
        text = request.query_params.get("q", "")[:200]
        found = lines.search(text)
        last = max(1, -(-len(found) // SIZE))
        number = min(max(_number(request.query_params.get("page", "1")), 1), last)
        shown = [lines.line(row) for row in found[(number - 1) * SIZE : number * SIZE]]

        def link(page: int) -> str:
            return f"/routes?{urlencode({'q': text, 'page': page} if text else {'page': page})}"

        return self._view.render(
            request,
            "routes.html",
            lines=[(one, self._figures.of_route(one.service, one.name)) for one in shown],
            text=text,
            count=len(found),
            number=number,
            last=last,
            link=link,
        )

    async def route(self, request: Request) -> Response:
        """Show one route."""
        lines = await self._of_now()
        row = lines.find(request.path_params["key"])
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


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 1
