# SPDX-License-Identifier: Apache-2.0
"""The health of upstreams, as a control plane of Kong's answers: it proxies nothing.

The targets come without their health, and setting it is refused in Kong's words: a control plane
has no balancers (``kong/api/routes/upstreams.lua``, ``kong/runloop/balancer``, 3.10). Each answer
says in the header Warning where the health is.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane import changes
from gateway.control_plane.admin.entities import EntityEndpoints, show
from gateway.control_plane.admin.pages import page
from gateway.control_plane.admin.paths import LiteralRoute, nestings
from gateway.control_plane.admin.responses import respond, warning
from gateway.control_plane.publisher import Publisher
from gateway.entities import ENTITIES, Row
from gateway.errors import NotFound

_ELSEWHERE = {
    "Warning": warning(
        "a control plane proxies nothing, so the health of targets is not known here: ask a data "
        "plane's status API (KONG_STATUS_LISTEN) for the same path"
    )
}
_TARGETS = "/upstreams/{parent}/targets"


class UpstreamEndpoints:
    """What is beside the entities: ``node_id`` is this control plane's."""

    def __init__(self, publisher: Publisher, node_id: str) -> None:
        self._publisher = publisher
        self._node_id = node_id
        (nesting,) = (one for one in nestings() if one.child == "targets")
        self._targets = EntityEndpoints(publisher, "targets", nesting)

    def routes(self) -> list[Route]:
        """Return the routes; they come before those of the entities."""
        setting = [
            f"{_TARGETS}/{{key}}/{place}{word}"
            for word in ("healthy", "unhealthy")
            for place in ("", "{address}/")
        ]
        return [
            Route("/upstreams/{parent}/health", self.health, methods=["GET"]),
            LiteralRoute(f"{_TARGETS}/all", self._targets.collection, methods=["GET"]),
            *(Route(path, self.set_health, methods=["POST", "PUT"]) for path in setting),
        ]

    async def health(self, request: Request) -> Response:
        """Show the targets of an upstream, or nothing of its balancer."""
        upstream = self._upstream(request)
        body: dict[str, Any] = {"next": None}
        if request.query_params.get("balancer_health") != "1":
            rows = self._rows(upstream)
            body = page(
                rows, request.scope["path"], request.query_params, lambda row: show("targets", row)
            )
        return respond(200, body | {"node_id": self._node_id}, _ELSEWHERE)

    async def set_health(self, request: Request) -> Response:
        """Refuse to set what is not known here."""
        upstream, key = self._upstream(request), request.path_params["key"]
        meant = {key.lower(), ENTITIES["targets"].as_named(key)}
        if not any(meant & {row["id"], row["target"]} for row in self._rows(upstream)):
            raise NotFound("Not found")
        text = f"Upstream {upstream['name']} has no balancer"
        return respond(400, {"message": text}, _ELSEWHERE)

    def _upstream(self, request: Request) -> Row:
        key = request.path_params["parent"]
        return changes.get(self._publisher.table, "upstreams", key)

    def _rows(self, upstream: Row) -> list[Row]:
        rows = self._publisher.table.get("targets", ())
        return [row for row in rows if row["upstream"] == upstream["id"]]
