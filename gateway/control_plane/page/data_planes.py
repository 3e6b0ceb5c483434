# SPDX-License-Identifier: Apache-2.0
"""The page of data planes."""

from __future__ import annotations

import time
from collections import Counter

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane.data_plane_lines import SOON, DataPlaneLines
from gateway.control_plane.page.view import View
from gateway.control_plane.traffic import Traffic


class DataPlanesPage:
    """``/data-planes``: all of them, those in trouble first."""

    def __init__(self, view: View, lines: DataPlaneLines, traffic: Traffic) -> None:
        self._view = view
        self._lines = lines
        self._traffic = traffic

    def routes(self) -> list[Route]:
        """Return all routes."""
        return [Route("/data-planes", self.data_planes, methods=["GET"])]

    async def data_planes(self, request: Request) -> Response:
        """Show them."""
        lines = await self._lines.lines()
        counts = Counter(one.condition for one in lines)
        soon = time.time() + SOON
        return self._view.render(
            request,
            "data_planes.html",
            lines=lines,
            counts=counts,
            soon=soon,
            states=self._traffic.nodes,
        )
