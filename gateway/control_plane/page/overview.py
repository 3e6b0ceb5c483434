# SPDX-License-Identifier: Apache-2.0
"""The first page: what goes through, what fails, how long it takes, over the last hour."""

from __future__ import annotations

from collections import Counter

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane.data_plane_lines import DataPlaneLines
from gateway.control_plane.page.compression import packed
from gateway.control_plane.page.figures import TrafficFigures, shares
from gateway.control_plane.page.route_lines import label
from gateway.control_plane.page.view import View
from gateway.control_plane.publisher import Publisher


class OverviewPage:
    """``/``, and the points of its plots."""

    def __init__(
        self, view: View, publisher: Publisher, lines: DataPlaneLines, figures: TrafficFigures
    ) -> None:
        self._view = view
        self._publisher = publisher
        self._lines = lines
        self._figures = figures

    def routes(self) -> list[Route]:
        """Return all routes."""
        return [
            Route("/", self.overview, methods=["GET"]),
            Route("/traffic.json", self.traffic, methods=["GET"]),
        ]

    async def overview(self, request: Request) -> Response:
        """Show figures and tables; plots are drawn from ``/traffic.json``."""
        lines = await self._lines.lines()
        topics = self._figures.topics()
        ids = self._ids()
        return self._view.render(
            request,
            "overview.html",
            total=self._figures.all(),
            busiest=[(one, ids.get((one.service, one.route))) for one in self._figures.busiest()],
            topics=topics,
            lost=shares(topics),
            conditions=Counter(one.condition for one in lines),
            known=len(lines),
            release=self._publisher.newest,
            refused=self._publisher.judge.refusals,
        )

    def _ids(self) -> dict[tuple[str, str], str]:
        """Return routes' ids by what data planes call them: service and route."""
        table = self._publisher.table
        services = {one["id"]: label(one) for one in table.get("services", ())}
        return {
            (services.get(row.get("service") or "", ""), label(row)): row["id"]
            for row in table.get("routes", ())
        }

    async def traffic(self, request: Request) -> Response:
        """Return the points of the plots, of all routes or of one (``service`` and ``route``)."""
        query = request.query_params
        route = None
        if "route" in query:
            route = query.get("service", ""), query["route"]
        content = orjson.dumps(self._figures.plots(route))
        return packed(request, content, "application/json")
