# SPDX-License-Identifier: Apache-2.0
"""The page of partials: the settings that policies share, and which policies these are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane.ownership import owner_of
from gateway.control_plane.page.changes import name_of, shown_fields, within
from gateway.control_plane.page.view import View
from gateway.control_plane.publisher import Publisher
from gateway.entities import ENTITIES
from gateway.entities.checks import Table
from gateway.entities.partial_links import FIELD

MOST = 50
"""Policies that are named of those linked to one partial."""


@dataclass(frozen=True)
class PartialUse:
    """A policy that is linked to a partial."""

    policy: str
    path: str
    """The record that the partial stands for."""
    within: str
    """What the policy is set on, as ``route orders``; empty: everywhere."""
    route: str
    """The id of the route that it is set on; empty where it is on none."""


@dataclass(frozen=True)
class PartialLine:
    """One partial."""

    id: str
    name: str
    type: str
    owner: str
    settings: list[tuple[str, str]]
    """Those that differ from the defaults, without secrets."""
    uses: list[PartialUse]
    more: int
    """How many further policies are linked to it."""


class PartialsPage:
    """``/partials``."""

    def __init__(self, view: View, publisher: Publisher) -> None:
        self._view = view
        self._publisher = publisher

    def routes(self) -> list[Route]:
        """Return all routes."""
        return [Route("/partials", self.partials, methods=["GET"])]

    async def partials(self, request: Request) -> Response:
        """List the partials of the newest configuration."""
        table = self._publisher.table
        lines = await self._publisher.call(lambda: partial_lines(table))
        return self._view.render(request, "partials.html", lines=lines)


def partial_lines(table: Table) -> list[PartialLine]:
    """Return the partials of a configuration by name, with the policies linked to them."""
    uses: dict[str, list[PartialUse]] = defaultdict(list)
    plugins = ENTITIES["plugins"]
    for row in table.get("plugins", ()):
        for link in row.get(FIELD) or ():
            around = within(plugins, row, table)
            use = PartialUse(row["name"], link["path"], around, row.get("route") or "")
            uses[link["id"]].append(use)
    entity = ENTITIES["partials"]
    lines = [
        PartialLine(
            row["id"],
            name_of(entity, row),
            row["type"],
            owner_of(row) or "",
            shown_fields(entity, row),
            sorted(uses[row["id"]], key=lambda one: (one.policy, one.within))[:MOST],
            max(0, len(uses[row["id"]]) - MOST),
        )
        for row in table.get("partials", ())
    ]
    return sorted(lines, key=lambda one: one.name.lower())
