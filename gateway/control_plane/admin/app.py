# SPDX-License-Identifier: Apache-2.0
"""The Admin API as one ASGI application."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.types import ASGIApp

from gateway.control_plane.access.audit_log import AuditLog
from gateway.control_plane.access.authentication import Authentication
from gateway.control_plane.access.tokens import TokenStore
from gateway.control_plane.admin.audit import Audit, AuditEndpoints
from gateway.control_plane.admin.config import ConfigEndpoints
from gateway.control_plane.admin.consumer_groups import membership_routes
from gateway.control_plane.admin.cors import GuiOrigins
from gateway.control_plane.admin.entities import entity_routes
from gateway.control_plane.admin.holds import HoldEndpoints, HoldHeader
from gateway.control_plane.admin.info import AdminNode, InfoEndpoints
from gateway.control_plane.admin.middleware import CallerTrace, Guard, ResponseHeaders
from gateway.control_plane.admin.openapi.document import OpenApiEndpoint
from gateway.control_plane.admin.partials import partial_routes
from gateway.control_plane.admin.paths import (
    WholeKeys,
    serve_trailing_slashes,
    with_whole_keys,
)
from gateway.control_plane.admin.releases import ReleaseEndpoints
from gateway.control_plane.admin.responses import EXCEPTION_HANDLERS, MAX_BODY
from gateway.control_plane.admin.rights import with_rights
from gateway.control_plane.admin.schemas import schema_routes
from gateway.control_plane.admin.tokens import TokenEndpoints
from gateway.control_plane.admin.upstreams import UpstreamEndpoints
from gateway.control_plane.admin.workspaces import DefaultWorkspace, workspace_routes
from gateway.control_plane.clustering.data_planes import DataPlanes
from gateway.control_plane.publisher import Publisher
from gateway.control_plane.status import NodeStatus
from gateway.settings.settings import Settings


def admin_app(
    node: AdminNode,
    publisher: Publisher,
    data_planes: DataPlanes,
    status: NodeStatus,
    authentication: Authentication,
    tokens: TokenStore,
    audit: AuditLog | None = None,
) -> ASGIApp:
    """Put all routes together; fixed paths come before those with names in them."""
    info = InfoEndpoints(node, publisher, data_planes, status)
    description = OpenApiEndpoint()
    routes = [
        *info.routes(),
        *description.routes(),
        *schema_routes(),
        *ReleaseEndpoints(publisher).routes(),
        *ConfigEndpoints(publisher).routes(),
        *HoldEndpoints(publisher).routes(),
        *AuditEndpoints(audit, publisher).routes(),
        *TokenEndpoints(publisher, tokens, authentication).routes(),
        *membership_routes(publisher),
        *partial_routes(publisher),
        *UpstreamEndpoints(publisher, node.id).routes(),
        *workspace_routes(),
        *entity_routes(publisher),
    ]
    info.publish_paths(routes)
    description.describe(routes)
    with_rights(routes)
    with_whole_keys(routes)
    app = Starlette(routes=routes, exception_handlers=EXCEPTION_HANDLERS, max_body_size=MAX_BODY)
    serve_trailing_slashes(app.router)
    behind = WholeKeys(DefaultWorkspace(app))
    origins = node.settings.admin_gui_url
    guarded = Guard(
        CallerTrace(Audit(HoldHeader(behind), audit)),
        authentication,
        hosts_of(node.settings),
        origins,
    )
    # Around all of it: Starlette's own middleware does not see the responses to bugs.
    return ResponseHeaders(GuiOrigins(guarded, behind, origins))


def hosts_of(settings: Settings) -> set[str]:
    """Return the hosts under which the Admin API is called, beside loopback ones."""
    listening = {address.host.lower() for address in settings.admin_listen}
    return {*settings.admin_hosts, *listening} - {"0.0.0.0", "::"}  # left out
