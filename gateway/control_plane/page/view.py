# SPDX-License-Identifier: Apache-2.0
"""What each page has around it, and forms that come from ours alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jinja2
from starlette.requests import Request
from starlette.responses import Response

from gateway import __version__
from gateway.control_plane.access.identity import Role
from gateway.control_plane.page.compression import packed
from gateway.control_plane.page.session import SessionSealer
from gateway.control_plane.page.static_files import StaticFiles
from gateway.control_plane.page.viewer import COOKIE_READ, may, may_roll_back, viewer_of
from gateway.control_plane.page.words import FILTERS
from gateway.control_plane.publisher import Publisher
from gateway.errors import RequestRejected

FORM_FIELD = "form_token"
_TEMPLATES = Path(__file__).parent / "templates"
_MOST_FIELDS = 100


@dataclass(frozen=True)
class MenuEntry:
    """A page as the navigation names it, and the role without which it is not there."""

    path: str
    title: str
    role: Role = "read"


class View:
    """Renders templates."""

    def __init__(self, publisher: Publisher, sealer: SessionSealer, files: StaticFiles) -> None:
        self.places: list[MenuEntry] = []
        """The navigation, in its order."""
        self._publisher = publisher
        self._sealer = sealer
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(FILTERS)
        self._templates.globals.update(address=files.address, version=__version__)

    def render(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page; where htmx asks for a part of one, the block ``live`` of it alone."""
        viewer = viewer_of(request)
        newest = self._publisher.newest
        context = {
            "path": request.url.path,
            "places": [one for one in self.places if may(viewer, one.role)],
            "viewer": viewer,
            "may_roll_back": may_roll_back(viewer),
            "form_token": self._sealer.form_token(request.scope.get(COOKIE_READ, "")),
            "newest": None if newest is None else newest.number,
            "refusals": len(self._publisher.judge.refusals),
            **values,
        }
        found = self._templates.get_template(template)
        if request.headers.get("HX-Request") and "live" in found.blocks:
            made = found.new_context(context)
            text = "".join(found.blocks["live"](made))
        else:
            text = found.render(context)
        headers = {"Vary": "HX-Request"}
        return packed(request, text.encode(), "text/html; charset=utf-8", status, headers)

    async def form(self, request: Request) -> dict[str, str]:
        """Return the fields of a form. Raises ``RequestRejected`` where it is none of ours."""
        content = await request.body()
        try:
            pairs = parse_qsl(content.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise RequestRejected(400, "the form cannot be read") from None
        fields = dict(pairs)
        cookie = request.scope.get(COOKIE_READ, "")
        if not self._sealer.is_form_token(fields.pop(FORM_FIELD, ""), cookie):
            raise RequestRejected(403, "the form is not of this session: load the page again")
        return fields
