# SPDX-License-Identifier: Apache-2.0
"""Who gets through, and as whom: a whole node between a client, an upstream and Kafka."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.node import NodeProcess, running_node
from tests.support.waiting import PATIENCE

CONFIGURATION = """
_format_version: "3.0"
consumers:
- username: guest
  tags: [staff]
- username: ann
  keyauth_credentials: [{{key: of ann}}]
services:
- name: upstream
  url: http://127.0.0.1:{port}/base
  routes:
  - name: open
    paths: [/open]
  - name: guarded
    paths: [/guarded]
    plugins:
    - name: key-auth
      config: {{anonymous: guest, hide_credentials: true, key_in_body: true}}
"""
RECORDED = """
- name: records
  url: http://127.0.0.1:1
  routes:
  - name: recorded
    paths: [/recorded]
    plugins:
    - name: key-auth
      config: {{anonymous: guest, hide_credentials: true, key_in_body: true}}
    - name: kafka-upstream
      config:
        bootstrap_servers: [{{host: 127.0.0.1, port: {broker}}}]
        topic: {topic}
        producer_async: false
        forward_method: true
        forward_uri: true
        forward_headers: true
        forward_body: true
        authentication: {{strategy: sasl, mechanism: PLAIN, user: {user}, password: {password}}}
        security: {{ssl: true}}
        message_by_lua_functions:
        - return function(m) m.consumer = kong.client.get_consumer() return m end
"""


class Upstream:
    """Keeps the requests it gets, and answers each with 200 and a closed connection."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                head = b"".join(iter(lines.readline, b"\r\n"))
                length = [line for line in head.lower().splitlines() if b"content-length" in line]
                body = lines.read(int(length[0].split(b":")[1])) if length else b""
                self.seen.append(head + b"\r\n" + body)
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                )

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    made = Upstream()
    yield made
    made.close()


@contextmanager
def serving(folder: Path, configuration: str, **settings: str) -> Iterator[NodeProcess]:
    (folder / "kong.yml").write_text(configuration)
    declared = {"KONG_DECLARATIVE_CONFIG": str(folder / "kong.yml"), **settings}
    with running_node(folder, **declared) as node:
        yield node.ready()


def asked(node: NodeProcess, target: bytes, *lines: bytes, body: bytes = b"") -> int:
    """Send raw bytes on a connection of its own; return the status."""
    head = [b"POST %b HTTP/1.1" % target, b"Host: h", b"Content-Length: %d" % len(body), *lines]
    with socket.create_connection(("127.0.0.1", node.proxy), timeout=PATIENCE) as connection:
        connection.sendall(b"\r\n".join([*head, b"", body]))
        with connection.makefile("rb") as answer:
            return int(answer.readline().split()[1])


def test_a_client_neither_removes_nor_forges_what_the_gateway_says(
    tmp_path: Path, upstream: Upstream
) -> None:
    with serving(tmp_path, CONFIGURATION.format(port=upstream.port)) as node:
        named = b"Connection: X-Anonymous-Consumer, X-Consumer-Id, X-Consumer-Username"
        assert asked(node, b"/guarded/x", named, b"X-Consumer-Username: root") == 200
        assert asked(node, b"/open/x", b"X-Consumer-Username: root", b"X_Real_IP: 6.6.6.6") == 200
    guarded, opened = (request.lower() for request in upstream.seen)
    for line in (b"x-anonymous-consumer: true", b"x-consumer-username: guest", b"x-consumer-id: "):
        assert b"\r\n" + line in guarded
    assert b"root" not in guarded + opened
    assert b"6.6.6.6" not in opened


PATHS = [b"/open/..%2fsecret/x", b"/open..%2f..%2fadmin", b"/open/..;/secret", b"/open/.%2e\\x"]
PATHS += [b"/open/..%5csecret", b"/open/%2E%2E%2Fsecret", b"/open/%252e%252e%252fsecret"]


@pytest.mark.parametrize("allowed", [False, True])
def test_paths_that_an_upstream_may_resolve_are_refused_or_allowed(
    tmp_path: Path, upstream: Upstream, allowed: bool
) -> None:
    configuration = CONFIGURATION.format(port=upstream.port)
    setting = "on" if allowed else "off"
    with serving(tmp_path, configuration, KAFKA_GATEWAY_ALLOW_HIDDEN_DOTS=setting) as node:
        expected = 200 if allowed else 400
        assert {path: asked(node, path) for path in PATHS} == dict.fromkeys(PATHS, expected)
        assert asked(node, b"/open/a%2fb") == 200
    assert len(upstream.seen) == 1 + allowed * len(PATHS)


REJECTED = b"not-a-key-that-anybody-has"
BODIES = [
    (b"application/json", b'{"apikey":["%b"],"a":1}' % REJECTED, b'{"a":1}'),
    (b"application/x-www-form-urlencoded", b"apikey=%b&apikey=2&a=1" % REJECTED, b"a=1"),
    (
        b"multipart/form-data; boundary=b",
        b'--b\r\nContent-Disposition: form-data; name="apikey"\r\n\r\n%b\r\n--b--' % REJECTED,
        b"--b--",
    ),
]


def test_a_rejected_key_does_not_reach_the_upstream(tmp_path: Path, upstream: Upstream) -> None:
    with serving(tmp_path, CONFIGURATION.format(port=upstream.port)) as node:
        for content_type, body, _ in BODIES:
            lines = (b"apikey: " + REJECTED, b"Content-Type: " + content_type)
            assert asked(node, b"/guarded?x=1&apikey=" + REJECTED, *lines, body=body) == 200
    assert not [request for request in upstream.seen if REJECTED in request]
    assert [request.partition(b"\r\n\r\n")[2] for request in upstream.seen] == [
        left for _, _, left in BODIES
    ]


@pytest.mark.kafka
def test_a_record_holds_neither_a_rejected_key_nor_our_own_tags(
    tmp_path: Path, upstream: Upstream, broker: Broker
) -> None:
    topic = broker.topic()
    user, password = broker.writer
    recorded = RECORDED.format(broker=broker.port, topic=topic, user=user, password=password)
    configuration = CONFIGURATION.format(port=upstream.port) + recorded
    with serving(tmp_path, configuration, KONG_LUA_SSL_TRUSTED_CERTIFICATE=broker.ca_file) as node:
        for content_type, body, _ in BODIES:
            lines = (b"apikey: " + REJECTED, b"Content-Type: " + content_type)
            assert asked(node, b"/recorded?x=1&apikey=" + REJECTED, *lines, body=body) == 200
        log = node.log.read_bytes()
    values = [message.value() for message in broker.records(topic, len(BODIES))]
    assert not [value for value in (*values, log) if REJECTED in value or b"owner:" in value]
    assert [json.loads(value)["body"].encode() for value in values] == [
        left for _, _, left in BODIES
    ]
    assert json.loads(values[0])["consumer"]["tags"] == ["staff"]
