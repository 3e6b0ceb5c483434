# SPDX-License-Identifier: Apache-2.0
"""Telling a client which route and service it met (setting ``allow_debug_header``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler


class DebugHeaders(Handler):
    """The end of each chain: adds ``Kong-Route-Id``, … where the request has ``Kong-Debug: 1``."""

    def __init__(self, route: Mapping[str, Any], service: Mapping[str, Any] | None) -> None:
        headers = [(b"Kong-Route-Id", route["id"]), (b"Kong-Route-Name", route.get("name"))]
        if service is not None:
            headers.append((b"Kong-Service-Id", service["id"]))
            headers.append((b"Kong-Service-Name", service.get("name")))
        self._headers = [(name, str(value).encode()) for name, value in headers if value]

    def header_filter(self, request: Request, response: Response) -> None:
        """Add them."""
        if request.header(b"kong-debug") == b"1":
            response.headers.extend(self._headers)
