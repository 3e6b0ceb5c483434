# SPDX-License-Identifier: Apache-2.0
"""A server that gives every request the same response, and notes the headers of each."""

from __future__ import annotations

import http.server
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.serving import serving


@dataclass
class FixedResponse:
    """What it responds with, and what it was sent."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    received: list[Mapping[str, str]] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[FixedResponse]:
        """Serve on a loopback port."""
        fixed = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fixed.received.append(dict(self.headers))
                self.send_response(fixed.status)
                for name, value in fixed.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(fixed.body)))
                self.end_headers()
                self.wfile.write(fixed.body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's
                pass

        with serving(Handler) as self.url:
            yield self
