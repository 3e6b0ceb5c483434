# SPDX-License-Identifier: Apache-2.0
"""A target of an upstream for a node that is a process: it responds as told, and comes back."""

from __future__ import annotations

import http.server
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.ports import free_ports


class Backend:
    """Responds with its name. ``seen`` counts requests by path; probes come to ``/probe``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.status = 200
        self.seen: Counter[str] = Counter()
        self.held: threading.Event | None = None
        """Nothing is answered before it is set."""
        (self.port,) = free_ports(1)
        self._server: http.server.ThreadingHTTPServer | None = None
        self._thread: threading.Thread
        self.start()

    def start(self) -> None:
        """Listen, also again."""
        self._server = _Server(("127.0.0.1", self.port), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        """Be gone: connections are refused."""
        if self.held is not None:
            self.held.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None


class _Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may leave."""


def _handler_of(backend: Backend) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            backend.seen[self.path] += 1
            if backend.held is not None:
                backend.held.wait(30)
            body = backend.name.encode()
            self.send_response(backend.status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Stay quiet."""

    return Handler


@contextmanager
def backends(*names: str) -> Iterator[list[Backend]]:
    """Run several."""
    made = [Backend(name) for name in names]
    try:
        yield made
    finally:
        for backend in made:
            backend.stop()
