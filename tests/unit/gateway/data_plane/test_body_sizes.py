# SPDX-License-Identifier: Apache-2.0
"""Bodies of unknown length on a whole node: counted on their way to the upstream."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.support.node import NodeProcess, running_node
from tests.support.waiting import PATIENCE

LIMITED = """
_format_version: "3.0"
services:
- name: s
  url: http://127.0.0.1:{port}
  retries: 0
  routes:
  - name: r
    paths: [/]
    plugins:
    - name: request-size-limiting
      config: {{allowed_payload_size: 4, size_unit: kilobytes}}
"""


class Counting(BaseHTTPRequestHandler):
    """Responds with the bytes that it has received."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        received = 0
        while size := int(self.rfile.readline() or b"0", 16):
            received += len(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        body = b"%d" % received
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    Thread(target=upstream.serve_forever, daemon=True).start()
    (tmp_path / "kong.yml").write_text(LIMITED.format(port=upstream.server_port))
    try:
        with running_node(tmp_path, KONG_DECLARATIVE_CONFIG=str(tmp_path / "kong.yml")) as running:
            yield running.ready()
    finally:
        upstream.shutdown()
        upstream.server_close()


def posted(node: NodeProcess, *pieces: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", node.proxy, timeout=PATIENCE)
    try:
        connection.request("POST", "/", iter(pieces), encode_chunked=True, headers=CHUNKED)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


CHUNKED = {"Transfer-Encoding": "chunked"}


def test_a_chunked_body_passes_up_to_the_limit_and_no_further(node: NodeProcess) -> None:
    assert posted(node, b"a" * 4096) == (200, b"4096")
    assert posted(node, b"a" * 2048, b"b" * 2048) == (200, b"4096")
    status, body = posted(node, b"a" * 4096, b"b")
    assert (status, b"Request size limit exceeded" in body) == (413, True)
    assert posted(node, b"c") == (200, b"1")
