# SPDX-License-Identifier: Apache-2.0
"""The page as one ASGI application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from gateway.control_plane.access.audit_log import AuditLog
from gateway.control_plane.access.authentication import Authentication
from gateway.control_plane.admin.kong_errors import UNEXPECTED, kong_error
from gateway.control_plane.admin.middleware import ResponseHeaders
from gateway.control_plane.admin.paths import serve_trailing_slashes
from gateway.control_plane.clustering.data_planes import DataPlanes
from gateway.control_plane.clustering.extensions import NodeExtensions
from gateway.control_plane.data_plane_lines import DataPlaneLines
from gateway.control_plane.page.audit import AuditedWrites, AuditView
from gateway.control_plane.page.data_planes import DataPlanesPage
from gateway.control_plane.page.events import LiveEvents
from gateway.control_plane.page.figures import TrafficFigures
from gateway.control_plane.page.gate import PageGate, PageHeaders
from gateway.control_plane.page.overview import OverviewPage
from gateway.control_plane.page.partials import PartialsPage
from gateway.control_plane.page.releases import ReleasesPage
from gateway.control_plane.page.routes import RoutesPage
from gateway.control_plane.page.session import SessionSealer
from gateway.control_plane.page.sign_in import SignInPage
from gateway.control_plane.page.static_files import StaticFiles
from gateway.control_plane.page.topics import TopicsPage
from gateway.control_plane.page.try_it import TryItPage
from gateway.control_plane.page.view import MenuEntry, View
from gateway.control_plane.publisher import Publisher
from gateway.errors import GatewayError
from gateway.logs import get_logger
from gateway.settings.settings import Settings

MAX_BODY = 1024**2
"""Largest form, in bytes."""

_log = get_logger("gateway.control_plane.page")

Handler = Callable[[Request, Exception], Awaitable[Response]]


@dataclass(frozen=True)
class PageParts:
    """What the page shows, and who may see it."""

    settings: Settings
    publisher: Publisher
    data_planes: DataPlanes
    lines: DataPlaneLines
    authentication: Authentication
    extensions: NodeExtensions
    audit: AuditLog | None = None


class GatewayPage:
    """All of it: ``app`` serves it, ``stop`` ends what is live."""

    def __init__(self, parts: PageParts) -> None:
        publisher, authentication = parts.publisher, parts.authentication
        sealer = SessionSealer(publisher.releases.store.keyring.derived("page session"))
        files = StaticFiles()
        view = View(publisher, sealer, files)
        lines, traffic = parts.lines, parts.extensions.traffic
        figures = TrafficFigures(traffic)
        self.events = LiveEvents(publisher, parts.data_planes, authentication)
        self.events.editions["traffic"] = lambda: traffic.edition
        topics = TopicsPage(view, parts.settings)
        view.places = [
            MenuEntry("/", "Overview"),
            MenuEntry("/routes", "Routes"),
            MenuEntry("/partials", "Partials"),
            MenuEntry("/data-planes", "Data planes"),
            MenuEntry("/try", "Try it", "write"),
            MenuEntry("/releases", "Releases"),
            *([MenuEntry("/topics", "Topics", "admin")] if topics.there else []),
            *([] if parts.audit is None else [MenuEntry("/audit", "Audit log", "admin")]),
        ]
        routes = [
            files.route(),
            *SignInPage(view, authentication, sealer).routes(),
            *OverviewPage(view, publisher, lines, figures).routes(),
            *RoutesPage(view, publisher, figures).routes(),
            *PartialsPage(view, publisher).routes(),
            *AuditView(view, publisher, parts.audit).routes(),
            *TryItPage(view, publisher, parts.data_planes, parts.extensions).routes(),
            *topics.routes(),
            *DataPlanesPage(view, lines, traffic).routes(),
            *ReleasesPage(view, publisher, lines).routes(),
            *self.events.routes(),
        ]
        app = Starlette(routes=routes, exception_handlers=_handlers(view), max_body_size=MAX_BODY)
        serve_trailing_slashes(app.router)
        gate = PageGate(
            AuditedWrites(app, parts.audit), authentication, sealer, page_hosts(parts.settings)
        )
        self.app: ASGIApp = ResponseHeaders(PageHeaders(gate), latency=False)

    def stop(self) -> None:
        """End the streams of events, which would go on for ever."""
        self.events.stop()


def page_hosts(settings: Settings) -> set[str]:
    """Return the hosts under which the page is called, beside loopback ones."""
    listening = {address.host.lower() for address in settings.admin_gui_listen}
    return {*settings.admin_hosts, *listening} - {"0.0.0.0", "::"}  # left out


def _handlers(view: View) -> dict[Any, Handler]:
    """Return what makes pages of exceptions."""

    async def gateway_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, GatewayError)
        status, body = kong_error(error)
        if status >= 500:
            _log.error("request failed", path=request.url.path, reason=str(error))
        return view.render(request, "problem.html", status, message=body["message"])

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        message = "There is no such page." if error.status_code == 404 else error.detail
        response = view.render(request, "problem.html", error.status_code, message=message)
        response.headers.update(error.headers or {})
        return response

    async def bug(request: Request, error: Exception) -> Response:
        return view.render(request, "problem.html", 500, message=UNEXPECTED)

    return {GatewayError: gateway_error, HTTPException: http_error, Exception: bug}
