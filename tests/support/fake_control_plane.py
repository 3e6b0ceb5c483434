# SPDX-License-Identifier: Apache-2.0
"""Stands in for our control plane where only its publishing calls matter: a fake, on a real socket.

It keeps owners' documents through the gateway's own document code. Verdicts of data planes are
what a test sets.
"""

from __future__ import annotations

import http.server
import json
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gateway.documents.document import from_table, to_table
from gateway.errors import DocumentError
from tests.support.serving import serving


class FakeControlPlane:
    """``POST /releases`` and ``GET|DELETE /owners/{owner}`` with a token."""

    def __init__(self, token: str = "fake-token") -> None:
        self.token = token
        self.documents: dict[str, Any] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.verdicts: list[dict[str, Any]] = []
        self.url = ""

    @property
    def published(self) -> int:
        """How many releases there are."""
        return sum(1 for method, _, _ in self.requests if method == "POST")

    @contextmanager
    def running(self, port: int = 0) -> Iterator[FakeControlPlane]:
        """Serve on a loopback port."""
        plane = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._respond("GET")

            def do_POST(self) -> None:
                self._respond("POST")

            def do_DELETE(self) -> None:
                self._respond("DELETE")

            def _respond(self, method: str) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                path = urllib.parse.unquote(self.path.partition("?")[0])
                status: int = 401
                response: Any = {"message": "Unauthorized"}
                if self.headers.get("Kong-Admin-Token") == plane.token:
                    plane.requests.append((method, path, body))
                    status, response = plane.respond(method, path, body)
                content = b"" if response is None else json.dumps(response).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        with serving(Handler, port) as self.url:
            yield self

    def respond(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Return status and body for one request."""
        if (method, path) == ("POST", "/releases"):
            return self._publish(body)
        owner = path.removeprefix("/owners/")
        if owner not in self.documents:
            return 404, {"message": f'owner "{owner}" has no entities'}
        if method == "DELETE":
            del self.documents[owner]
            return 204, None
        return 200, {"document": self.documents[owner], "release": 1, "hash": "0" * 32}

    def _publish(self, body: Any) -> tuple[int, Any]:
        try:
            table = to_table(body["document"], body["owner"], 1)
        except DocumentError as error:
            return 400, {"message": "schema violation", "problems": error.problems}
        response = {"number": self.published, "hash": "0" * 32, "data_planes": self.verdicts}
        if any(verdict["status"] == "refused" for verdict in self.verdicts):
            return 409, {**response, "message": "refused"}
        self.documents[body["owner"]] = from_table(table, body["owner"])
        return 201, {**response, "unchanged": False}
