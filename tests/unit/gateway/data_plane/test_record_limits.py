# SPDX-License-Identifier: Apache-2.0
"""The limits on what a request becomes, on a whole node, as its settings and its routes say."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.mock_kafka import MockKafka, mock_kafka
from tests.support.node import NodeProcess, running_node
from tests.support.waiting import PATIENCE

CONFIGURATION = """
_format_version: "3.0"
services:
- name: records
  url: http://127.0.0.1:1
  routes:
  - name: lines
    paths: [/lines]
    plugins: [{{name: kafka-upstream, config: {{{kafka}, records: ndjson}}}}]
  - name: wide
    paths: [/wide]
    plugins:
    - name: kafka-upstream
      config: {{{kafka}, records: ndjson, max_records: 9, max_record_size: 9000}}
  - name: one
    paths: [/one]
    plugins: [{{name: kafka-upstream, config: {{{kafka}}}}}]
  - name: lua
    paths: [/lua]
    plugins:
    - name: kafka-upstream
      config:
        {kafka_lines}
        message_by_lua_functions:
        - return function(m) local t = {{}} for i = 1, 60 do t = {{a = t, b = t}} end return t end
"""
SETTINGS = {
    "KAFKA_GATEWAY_MAX_RECORDS": "3",
    "KAFKA_GATEWAY_MAX_RECORD_SIZE": "2k",
    "KAFKA_GATEWAY_MAX_JSON_DEPTH": "20",
    "KONG_NGINX_WORKER_PROCESSES": "1",
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[MockKafka]:
    with mock_kafka() as made:
        made.create("t")
        yield made


@pytest.fixture(scope="module")
def node(cluster: MockKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    folder: Path = tmp_path_factory.mktemp("limits")
    file = folder / "kong.yml"
    (server,) = cluster.servers
    where = f"[{{host: {server['host']}, port: {server['port']}}}]"
    file.write_text(
        CONFIGURATION.format(
            kafka=f"topic: t, bootstrap_servers: {where}, producer_async: false",
            kafka_lines=f"topic: t\n        bootstrap_servers: {where}",
        )
    )
    with running_node(folder, **SETTINGS, KONG_DECLARATIVE_CONFIG=str(file)) as running:
        yield running.ready()


def post(
    node: NodeProcess, path: str, body: bytes, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", node.proxy, timeout=PATIENCE)
    try:
        given = {"Content-Type": "application/json", **(headers or {})}
        connection.request("POST", path, body, given)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "fits", "more", "limit"),
    [
        ("/lines", b"1\n" * 3, b"1\n" * 4, "max_records allows: 3"),
        ("/wide", b"1\n" * 9, b"1\n" * 10, "max_records allows: 9"),
        ("/one", b'{"a":"' + b"x" * 900 + b'"}', b'{"a":"' + b"x" * 1000 + b'"}', "2048"),
        ("/wide", b'"' + b"x" * 4000 + b'"', b'"' + b"x" * 5000 + b'"', "9000"),
    ],
)
def test_the_nodes_limits_hold_where_a_route_has_none(
    node: NodeProcess, path: str, fits: bytes, more: bytes, limit: str
) -> None:
    assert post(node, path, fits)[0] == 200
    status, said = post(node, path, more)
    assert status == 413
    assert limit in said["error"]


@pytest.mark.parametrize("path", ["/lines", "/wide", "/one", "/lua"])
def test_the_depth_holds_for_all_routes(node: NodeProcess, path: str) -> None:
    status, said = post(node, path, b"[" * 21 + b"]" * 21)
    assert status == 400
    assert "nested deeper than 20" in said["error"]


def test_an_encoded_body_is_415(node: NodeProcess) -> None:
    body = gzip.compress(b'{"a":1}')
    status, said = post(node, "/one", body, {"Content-Encoding": "gzip"})
    assert status == 415
    assert "Content-Encoding: gzip" in said["error"]


def test_a_function_without_end_is_500_and_the_worker_goes_on(node: NodeProcess) -> None:
    workers = node.workers()
    assert post(node, "/lua", b"{}")[0] == 500
    assert post(node, "/one", b"{}")[0] == 200
    assert node.workers() == workers
