# SPDX-License-Identifier: Apache-2.0
"""Callers who want to stop a node, and one beside them who wants nothing but answers.

What the other client sees is measured in a process of its own and printed, before and meanwhile.
The aim is 50 ms at the 99th percentile; the assertion leaves room for a machine that is busy.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from functools import partial
from pathlib import Path

import pytest
import yaml

from tests.support.authority import client_context
from tests.support.control_plane import NAME, certificates
from tests.support.control_plane_process import process, until_ready, values_with_ports
from tests.support.mock_kafka import MockKafka, mock_kafka
from tests.support.node import NodeProcess, running_node
from tests.support.peer import Peer
from tests.support.steady_client import Seen, asking
from tests.support.traffic import get
from tests.support.waiting import PATIENCE, eventually

BOUND = 50.0
"""Milliseconds that an idle machine keeps to."""
ALLOWANCE = 10
"""Times that on one that is busy with other things; what this guards against took seconds."""
QUIET = 300
"""Requests of the other client before anything happens."""

LUA = {
    "tables": "return function(m) local t={} for i=1,60 do t={a=t,b=t} end return t end",
    "gsub": 'return function(m) return {x = (("a"):rep(30e6):gsub(".", "%0%0"))} end',
    "pattern": 'return function(m) return {x = ("a"):rep(90):find((".-"):rep(40) .. "b")} end',
}


def document(kafka: MockKafka) -> str:
    """Return routes that a caller can do harm with."""
    base = {"topic": "t", "bootstrap_servers": kafka.servers, "producer_async": False}
    routes = {
        "ndjson": {**base, "records": "ndjson"},
        "forwarded": {**base, "records": "ndjson", "forward_headers": True},
        "array": {**base, "records": "json_array"},
        **{name: {**base, "message_by_lua_functions": [text]} for name, text in LUA.items()},
    }
    rows = [
        {
            "name": name,
            "paths": [f"/{name}"],
            "plugins": [{"name": "kafka-upstream", "config": config}],
        }
        for name, config in routes.items()
    ]
    services = [{"name": "s", "url": "http://127.0.0.1:1", "routes": rows}]
    return yaml.safe_dump({"_format_version": "3.0", "services": services})


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node with two workers and a Kafka that takes everything."""
    folder = Path(tmp_path_factory.mktemp("hostile"))
    with mock_kafka() as kafka:
        kafka.create("t")
        (folder / "kong.yml").write_text(document(kafka))
        settings = {
            "KONG_DECLARATIVE_CONFIG": str(folder / "kong.yml"),
            "KAFKA_GATEWAY_CLIENT_MAX_BODY_SIZE": "4m",
            "KAFKA_GATEWAY_WORKER_WATCHDOG": "2s",
        }
        with running_node(folder, **settings) as running:
            yield running.ready()


def post(node: NodeProcess, path: str, body: bytes, headers: dict[str, str] | None = None) -> int:
    """Send one request; return the status, 0 when the connection broke."""
    made = http.client.HTTPConnection("127.0.0.1", node.proxy, timeout=60)
    with closing(made) as connection, suppress(OSError, http.client.HTTPException):
        connection.request("POST", path, body, headers or {})
        reply = connection.getresponse()
        reply.read()
        return reply.status
    return 0


def at_once(works: list[Callable[[], object]]) -> None:
    """Run all of them in threads and wait for their end."""
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)


def compare(name: str, before: Seen, during: Seen, capsys: pytest.CaptureFixture[str]) -> None:
    """Print both, and hold the second to the bound."""
    with capsys.disabled():
        print(f"\n{name}\n  before: {before}\n  during: {during}")  # noqa: T201  # the figures are for who runs it
    assert during.answered > 100
    assert during.p99 < ALLOWANCE * BOUND + 5 * before.p99


BULK: dict[str, Callable[[NodeProcess], int]] = {
    "49,000 records in 98 kB": lambda node: post(node, "/ndjson", b"1\n" * 49_000),
    "500,000 records in 1 MB": lambda node: post(node, "/ndjson", b"1\n" * 500_000),
    "as many as are allowed": lambda node: post(node, "/ndjson", b"1\n" * 4_900),
    "an array of 300,000": lambda node: post(node, "/array", b"[" + b"1," * 300_000 + b"1]"),
    "each with a header of 30 kB": lambda node: post(
        node, "/forwarded", b"1\n" * 4_900, {"X-Large": "x" * 30_000}
    ),
    "40,000, each with a header of 30 kB": lambda node: post(
        node, "/forwarded", b"1\n" * 40_000, {"X-Large": "x" * 30_000}
    ),
}


def test_bulk_requests_stop_nobody(node: NodeProcess, capsys: pytest.CaptureFixture[str]) -> None:
    with asking(node.proxy, "/none") as client:
        before = client.after(QUIET)
        for name, attack in BULK.items():
            client.take()
            while client.answered() < QUIET:
                at_once([partial(attack, node)] * 4)
            compare(name, before, client.take(), capsys)
    node.ready()


@pytest.mark.parametrize("name", LUA)
def test_a_lua_function_that_never_ends_costs_its_worker_at_most(
    node: NodeProcess, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Should one hang its worker, who is on it waits for the watchdog: a request a connection."""
    with asking(node.proxy, "/none") as client:
        before = client.after(QUIET)
        client.take()
        at_once([lambda: post(node, f"/{name}", b"{}")])
        eventually(lambda: node.asked("/status/ready") == 200)
        during = client.after(1000)
        compare(f"Lua: {name}", before, during, capsys)
    assert len(node.workers()) == 2


def test_silent_and_half_sent_connections_keep_nobody_out(
    node: NodeProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    heads = [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"POST / HTTP/1.1\r\nHost: x\r\n"
             b"Content-Length: 100\r\n\r\n{"]  # fmt: skip
    with ExitStack() as stack, asking(node.proxy, "/none") as client:
        before = client.after(QUIET)
        client.take()
        for number in range(300):
            for port in (node.proxy, node.status):
                held = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                with suppress(ConnectionError):
                    held.sendall(heads[number % len(heads)])
            if not number % 20:
                assert node.asked("/status/ready") == 200
        compare("silent connections", before, client.after(QUIET), capsys)
        assert node.asked("/metrics") == 200


async def test_handshakes_and_invented_nodes_keep_no_caller_from_the_admin_api(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values, (admin, cluster, status) = values_with_ports(tmp_path)
    values["log_level"] = "error"  # its log is not read here, and the pipe would fill up

    with process(values), ExitStack() as stack:
        await until_ready(status)
        with asking(admin, "/status") as client:
            before = client.after(QUIET)
            client.take()
            for port, count in ((admin, 280), (status, 40), (cluster, 40)):
                for _ in range(count):
                    stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            for number in range(0, 300, 5):
                await asyncio.gather(*(invent(cluster, f"node-{number + n}") for n in range(5)))
            compare("strangers and 300 node ids", before, client.after(QUIET), capsys)
        known = json.loads(get(admin, "/clustering/data-planes?size=1000").body)["data"]
        assert len(known) == 100


async def invent(port: int, node: str) -> None:
    """Come as an unknown data plane, and leave."""
    authority, _, client = certificates()
    peer = await Peer.dial(port, client_context(authority.pem, client), NAME)
    await peer.join(node)
    await peer.ping()
    peer.hang_up()
    await peer.close()
