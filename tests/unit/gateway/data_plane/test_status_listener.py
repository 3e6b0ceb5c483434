# SPDX-License-Identifier: Apache-2.0
"""The status listener of a whole node: limits before anything, and the drain call and back."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway import compiled
from gateway.probe import ask
from tests.support.node import NodeProcess, running_node
from tests.support.traffic import get
from tests.support.waiting import PATIENCE, eventually

CONFIGURATION = """
_format_version: "3.0"
services:
  - {name: s, url: "http://127.0.0.1:1", routes: [{name: r, paths: [/a]}, {name: q, paths: [/q]}]}
plugins:
  - {name: prometheus, route: q, config: {status_code_metrics: true, latency_metrics: true}}
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node that waits half a second for whatever it waits for."""
    folder = Path(tmp_path_factory.mktemp("status"))
    (folder / "kong.yml").write_text(CONFIGURATION)
    settings = {
        "KONG_DECLARATIVE_CONFIG": str(folder / "kong.yml"),
        "KONG_NGINX_WORKER_PROCESSES": "1",
        "KAFKA_GATEWAY_CLIENT_HEADER_TIMEOUT": "500ms",
        "KAFKA_GATEWAY_CLIENT_BODY_TIMEOUT": "500ms",
        "KAFKA_GATEWAY_IDLE_TIMEOUT": "500ms",
    }
    with running_node(folder, **settings) as running:
        yield running.ready()


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b"", b""),
        (b"GET /status HTTP/1.1\r\nHost: x\r\n", b"HTTP/1.1 408"),
        (b"POST /status/ready HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", b"HTTP/1.1 408"),
        (
            b"POST /status/ready HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n",
            b"HTTP/1.1 413",
        ),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 414"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 40000 + b"\r\n\r\n", b"HTTP/1.1 431"),
    ],
)
def test_silent_half_sent_and_large_requests_are_ended(
    node: NodeProcess, sent: bytes, answered: bytes
) -> None:
    with closing(
        socket.create_connection(("127.0.0.1", node.status), timeout=PATIENCE)
    ) as connection:
        connection.sendall(sent)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert received[:12] == answered


def test_requests_are_shown_where_the_plugin_counts_them(node: NodeProcess) -> None:
    assert (node.get("/q").status, node.get("/a").status) == (502, 502)
    text = get(node.status, "/metrics").body.decode()
    labels = 'service="s",route="q",code="502",source="kong",workspace="default",consumer=""'
    assert f"kong_http_requests_total{{{labels}}} 1\n" in text
    where = 'service="s",route="q",workspace="default"'
    assert f"kong_request_latency_ms_count{{{where}}} 1\n" in text
    assert 'route="r"' not in text


def test_a_drained_node_is_seen_as_such_and_serves_again_when_asked(node: NodeProcess) -> None:
    assert ask("drain", ("127.0.0.1", node.status)) == 204
    assert node.asked("/status/ready") == 503
    assert node.json("/status")["draining"] is True
    assert b"kafka_gateway_draining 1" in get(node.status, "/metrics").body
    assert node.get("/a").status == 502, "it serves on"
    assert post(node, {"status": "ready"}) == 204
    eventually(lambda: node.asked("/status/ready") == 200)
    assert node.json("/status")["draining"] is False
    assert b"kafka_gateway_draining 0" in get(node.status, "/metrics").body


def test_a_page_in_a_browser_drains_nothing(node: NodeProcess) -> None:
    assert post(node, {"status": "draining"}, {"Origin": "http://evil.example"}) == 403
    assert post(node, {"status": "draining"}, {"Host": "evil.example"}) == 403
    assert node.asked("/status/ready") == 200


def post(node: NodeProcess, body: dict[str, str], headers: dict[str, str] | None = None) -> int:
    made = http.client.HTTPConnection("127.0.0.1", node.status, timeout=PATIENCE)
    with closing(made) as connection:
        connection.request("POST", "/status/ready", json.dumps(body), headers or {})
        reply = connection.getresponse()
        reply.read()
        return reply.status


def test_clients_of_a_draining_node_are_told_to_close_with_their_next_response(
    node: NodeProcess,
) -> None:
    assert _keeps_connections(node)
    assert post(node, {"status": "draining"}) == 204
    eventually(lambda: not _keeps_connections(node))
    (worker,) = node.workers()
    os.kill(worker, signal.SIGKILL)
    # The worker that replaces it says so too.
    eventually(lambda: node.workers() not in ([], [worker]))
    eventually(lambda: node.asked("/status") == 200 and not _keeps_connections(node))
    assert post(node, {"status": "ready"}) == 204
    eventually(lambda: _keeps_connections(node))


def _keeps_connections(node: NodeProcess) -> bool:
    try:
        return node.get("/").headers["connection"] == "keep-alive"
    except OSError:
        return True


def test_it_says_whether_workers_run_what_was_compiled(node: NodeProcess) -> None:
    is_compiled = compiled.installed() is not None
    assert node.json("/status")["compiled_request_path"] == ("on" if is_compiled else "off")
    for worker in node.workers():
        mapped = Path(f"/proc/{worker}/maps").read_text()
        assert (f"/{compiled.PACKAGE}/" in mapped) == is_compiled
