# SPDX-License-Identifier: Apache-2.0
"""The page of data planes: search, and how each of them is."""

from __future__ import annotations

import time
from collections import Counter

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane.data_plane_lines import (
    SOON,
    Condition,
    DataPlaneLine,
    DataPlaneLines,
)
from gateway.control_plane.page.search import Search
from gateway.control_plane.page.view import View
from gateway.control_plane.traffic import Traffic

SIZE = 25
"""Data planes on one page."""
_WORDS: dict[Condition, tuple[str, str]] = {
    "current": ("good", "up to date"),
    "behind": ("warn", "behind"),
    "refuses": ("bad", "refuses"),
    "incompatible": ("bad", "cannot take it"),
    "away": ("bad", "not connected"),
}
"""The badge of each condition: its look and its words."""


class DataPlanesPage:
    """``/data-planes``: those of a search or all, in pages, those in trouble first."""

    def __init__(self, view: View, lines: DataPlaneLines, traffic: Traffic) -> None:
        self._view = view
        self._lines = lines
        self._traffic = traffic

    def routes(self) -> list[Route]:
        """Return all routes."""
        return [Route("/data-planes", self.data_planes, methods=["GET"])]

    async def data_planes(self, request: Request) -> Response:
        """List them."""
        lines = await self._lines.lines()
        return self._view.render(
            request,
            "data_planes.html",
            found=Search(request).among(lines, _haystack, SIZE),
            conditions=_WORDS,
            counts=Counter(one.condition for one in lines),
            soon=time.time() + SOON,
            states=self._traffic.nodes,
        )


def _haystack(line: DataPlaneLine) -> str:
    """Return what a search for a data plane looks at: what the list shows of it, but times."""
    node = line.node
    labels = [f"{name}: {value}" for name, value in node.labels.items()]
    said = _WORDS[line.condition][1], line.reason
    return " ".join([node.hostname, node.id, node.ip, node.version, *labels, *said])
