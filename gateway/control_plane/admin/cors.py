# SPDX-License-Identifier: Apache-2.0
"""Letting the pages of an admin GUI call the Admin API from a browser: ``admin_gui_url``.

The headers are those of Kong 3.10 (``kong/api/init.lua``), except that without the setting no page
is let in at all.
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class GuiOrigins:
    """Adds the headers of CORS for the GUI's origins, and has their preflights answered.

    A browser sends those without the token, so that they go by the ``guarded`` application to the
    one behind it, which answers OPTIONS with the methods of a path and nothing else.
    """

    def __init__(self, guarded: ASGIApp, behind: ASGIApp, origins: Collection[str]) -> None:
        self._guarded = guarded
        self._behind = behind
        self._origins = tuple(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        headers = Headers(scope=scope)
        origin = headers.get("origin", "")
        preflight = scope["method"] == "OPTIONS" and origin in self._origins

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start" and self._origins:
                self._add(MutableHeaders(scope=message), origin, headers if preflight else None)
            await send(message)

        app = self._behind if preflight else self._guarded
        await app(scope, receive, send_with_headers)

    def _add(self, found: MutableHeaders, origin: str, preflight: Headers | None) -> None:
        allowed = origin if origin in self._origins else self._origins[0]
        found["Access-Control-Allow-Origin"] = allowed
        found["Access-Control-Allow-Credentials"] = "true"
        found["Vary"] = "Origin"
        if preflight is not None:
            found["Access-Control-Allow-Methods"] = found.get("Allow", "")
            asked = preflight.get("access-control-request-headers", "Content-Type")
            found["Access-Control-Allow-Headers"] = asked
