# SPDX-License-Identifier: Apache-2.0
"""What this control plane is, what it can, and which data planes it has."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import COMPATIBLE_WITH, __version__
from gateway.control_plane.admin.owners import shows_owners
from gateway.control_plane.admin.pages import page
from gateway.control_plane.admin.paths import LiteralRoute
from gateway.control_plane.admin.responses import respond
from gateway.control_plane.clustering.data_planes import DataPlane, DataPlanes
from gateway.control_plane.publisher import Publisher
from gateway.control_plane.status import NodeStatus
from gateway.entities import ENTITIES
from gateway.entities.own_tags import is_own_tag
from gateway.entities.plugin_types import plugin_types
from gateway.settings.settings import Settings

_FLAVOR = "traditional_compatible"
"""The one of Kong's routers that ours is like."""
_SHOWN = (
    "role",
    "prefix",
    "log_level",
    "cluster_mtls",
    "cluster_max_payload",
    "cluster_data_plane_purge_delay",
    "compatibility_version",
)
"""Settings that ``GET /`` shows; none of them can hold a secret."""


@dataclass(frozen=True)
class AdminNode:
    """What the Admin API tells of its own node."""

    id: str
    settings: Settings


class InfoEndpoints:
    """``/``, ``/status``, ``/plugins/enabled``, ``/tags``, ``/endpoints`` and ``/clustering``."""

    def __init__(
        self, node: AdminNode, publisher: Publisher, data_planes: DataPlanes, status: NodeStatus
    ) -> None:
        self._node = node
        self._publisher = publisher
        self._data_planes = data_planes
        self._status = status
        self._paths: list[str] = []

    def routes(self) -> list[Route]:
        """Return all routes."""
        return [
            Route("/", self.root, methods=["GET"]),
            Route("/kong", self.root, methods=["GET"]),
            Route("/status", self.status, methods=["GET"]),
            Route("/endpoints", self.endpoints, methods=["GET"]),
            LiteralRoute("/plugins/enabled", self.plugins, methods=["GET"]),
            Route("/tags", self.tags, methods=["GET"]),
            Route("/tags/{tag}", self.tags, methods=["GET"]),
            Route("/clustering/data-planes", self.list_data_planes, methods=["GET"]),
            Route("/clustering/status", self.clustering_status, methods=["GET"]),
        ]

    def publish_paths(self, routes: list[Route]) -> None:
        """Tell which paths ``/endpoints`` lists."""
        self._paths = sorted({route.path for route in routes})

    async def root(self, request: Request) -> Response:
        """Return what this node is; ``version`` is the Kong version that we are compatible with."""
        types = plugin_types()
        rows = self._publisher.table.get("plugins", ())
        settings = {name: getattr(self._node.settings, name) for name in _SHOWN}
        listens = ("admin_listen", "cluster_listen", "status_listen")
        for name in listens:
            settings[name] = [str(one) for one in getattr(self._node.settings, name)]
        body = {
            "tagline": "Welcome to kafka-gateway",
            "version": COMPATIBLE_WITH,
            "gateway_version": __version__,
            "edition": "kafka-gateway",
            "hostname": socket.gethostname(),
            "node_id": self._node.id,
            "plugins": {
                "available_on_server": {
                    name: {"version": one.version, "priority": one.priority}
                    for name, one in types.items()
                },
                "enabled_in_cluster": sorted({row["name"] for row in rows}),
            },
            "configuration": settings
            | {"database": self._node.settings.store, "router_flavor": _FLAVOR},
            "timers": {"running": 0, "pending": 0},
            "pids": {"master": os.getpid(), "workers": []},
        }
        return respond(200, body)

    async def status(self, request: Request) -> Response:
        """Tell how the node is; open without a token."""
        return respond(200, await self._status.body())

    async def endpoints(self, request: Request) -> Response:
        """List all paths."""
        return respond(200, {"data": self._paths, "next": None})

    async def plugins(self, request: Request) -> Response:
        """List the plugins that are installed."""
        return respond(200, {"enabled_plugins": list(plugin_types())})

    async def tags(self, request: Request) -> Response:
        """List which entity has which tag, all tags or one."""
        wanted, owners = request.path_params.get("tag"), shows_owners(request)
        rows: list[dict[str, Any]] = [
            {"id": f"{name}/{row['id']}/{tag}", "shown": (name, row["id"], tag)}
            for name in ENTITIES
            for row in self._publisher.table.get(name, ())
            for tag in row.get("tags") or ()
            if (wanted is None and (owners or not is_own_tag(tag))) or wanted == tag
        ]
        query = {name: text for name, text in request.query_params.items() if name != "tags"}
        rows.sort(key=lambda row: str(row["id"]))
        return respond(200, page(rows, request.scope["path"], query, _tag))

    async def list_data_planes(self, request: Request) -> Response:
        """List all data planes that have been seen."""
        rows = [self._show(one) for one in self._data_planes]
        return respond(200, page(rows, request.scope["path"], request.query_params, dict))

    async def clustering_status(self, request: Request) -> Response:
        """Tell the same in Kong's older form, by id."""
        shown = {one.id: self._show(one) for one in self._data_planes}
        return respond(200, shown)

    def _show(self, data_plane: DataPlane) -> dict[str, Any]:
        contact = self._data_planes.contact(data_plane.id)
        refusals = [one for one in self._publisher.judge.refusals if one.node == data_plane.id]
        error = refusals[0].text if refusals else None
        return {
            "id": data_plane.id,
            "ip": data_plane.ip,
            "hostname": data_plane.hostname,
            "version": data_plane.version,
            "config_hash": data_plane.config_hash,
            "last_seen": data_plane.last_seen,
            "updated_at": data_plane.updated_at,
            "sync_status": data_plane.sync_status,
            "labels": data_plane.labels,
            "cert_details": {"expiry_timestamp": data_plane.certificate_expires},
            "rpc_capabilities": [],
            "connected": contact.sessions > 0 or self._data_planes.is_elsewhere(data_plane),
            "error": contact.withheld[1] if contact.withheld is not None else error,
            "refusals": [one.body() for one in refusals],
        }


def _tag(row: dict[str, Any]) -> dict[str, Any]:
    collection, entity, tag = row["shown"]
    return {"entity_name": collection, "entity_id": entity, "tag": tag}
