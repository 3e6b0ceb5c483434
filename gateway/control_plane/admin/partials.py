# SPDX-License-Identifier: Apache-2.0
"""Which plugins are linked to a partial: ``/partials/{id or name}/links`` of Kong 3.10."""

from __future__ import annotations

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane import changes
from gateway.control_plane.admin.entities import show_plugin
from gateway.control_plane.admin.owners import shows_owners
from gateway.control_plane.admin.pages import page
from gateway.control_plane.admin.responses import respond
from gateway.control_plane.partials import linked
from gateway.control_plane.publisher import Publisher


def partial_routes(publisher: Publisher) -> list[Route]:
    """Return the route of what is linked to a partial."""

    async def links(request: Request) -> Response:
        table = publisher.table
        row = changes.get(table, "partials", request.path_params["key"])
        show = partial(show_plugin, table, owners=shows_owners(request))
        found = linked(table, row["id"])
        return respond(200, page(found, request.scope["path"], request.query_params, show))

    return [Route("/partials/{key}/links", links, methods=["GET"])]
