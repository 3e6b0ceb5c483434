# SPDX-License-Identifier: Apache-2.0
"""Two nodes and one Redis: limits hold for both together, also when Redis is in trouble."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.node import NodeProcess, running_node
from tests.support.traffic import get
from tests.support.valkey import Valkey, running_valkey
from tests.support.waiting import PATIENCE, eventually

# A year: no window ends while a test runs.
ROUTES = """
_format_version: "3.0"
services:
- name: s
  url: http://127.0.0.1:1
  routes:
  - {{name: exact, paths: [/exact]}}
  - {{name: strict, paths: [/strict]}}
  - {{name: sliding, paths: [/sliding]}}
plugins:
- name: request-termination
  config: {{status_code: 200}}
- name: rate-limiting
  route: exact
  config: {{year: 1000, limit_by: service, policy: redis, redis: {redis}}}
- name: rate-limiting
  route: strict
  config: {{year: 100000, policy: redis, fault_tolerant: false, redis: {redis}}}
- name: rate-limiting-advanced
  route: sliding
  config:
    limit: [1000]
    window_size: [31536000]
    window_type: fixed
    identifier: service
    strategy: redis
    sync_rate: 0.1
    redis: {{host: 127.0.0.1, port: {port}}}
"""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with running_valkey(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def nodes(
    redis: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    with ExitStack() as stack:
        found = []
        for name in ("one", "two"):
            folder = tmp_path_factory.mktemp(name)
            record = f"{{host: 127.0.0.1, port: {redis.port}, timeout: 2000}}"
            (folder / "kong.yml").write_text(ROUTES.format(redis=record, port=redis.port))
            settings = {
                "KONG_DECLARATIVE_CONFIG": str(folder / "kong.yml"),
                "KONG_NGINX_WORKER_PROCESSES": "1",
            }
            found.append(stack.enter_context(running_node(folder, **settings)))
        yield found[0].ready(), found[1].ready()


def load(port: int, path: str, count: int, statuses: Counter[int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    for _ in range(count):
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        statuses[response.status] += 1
    connection.close()


def loaded(nodes: tuple[NodeProcess, ...], path: str, each: int) -> Counter[int]:
    """Return the statuses of so many requests on each of four connections to each node."""
    found: list[Counter[int]] = []
    threads = []
    for node in nodes:
        for _ in range(4):
            found.append(Counter())
            threads.append(threading.Thread(target=load, args=(node.proxy, path, each, found[-1])))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(found, Counter())


def test_a_limit_holds_for_both_nodes_under_load(
    nodes: tuple[NodeProcess, NodeProcess], redis: Valkey
) -> None:
    redis.ask("FLUSHALL")
    assert loaded(nodes, "/exact", 150) == {200: 1000, 429: 200}


def test_with_a_sync_rate_no_more_than_an_exchange_passes_over_it(
    nodes: tuple[NodeProcess, NodeProcess], redis: Valkey
) -> None:
    redis.ask("FLUSHALL")
    statuses = loaded(nodes, "/sliding", 300)
    assert statuses[200] + statuses[429] == 2400
    # Each node may take for its own what the other has not told yet: all of it at the worst.
    assert 1000 <= statuses[200] <= 2000
    eventually(lambda: get(nodes[0].proxy, "/sliding").status == 429)


@pytest.mark.parametrize("trouble", ["gone", "hangs", "refuses"])
def test_without_redis_nodes_do_what_is_documented_and_recover_by_themselves(
    nodes: tuple[NodeProcess, NodeProcess], redis: Valkey, trouble: str
) -> None:
    redis.ask("FLUSHALL")
    node = nodes[0]
    eventually(lambda: "x-ratelimit-limit-year" in get(node.proxy, "/exact").headers)
    if trouble == "gone":
        redis.stop()
    elif trouble == "hangs":
        redis.pause()
    else:
        # It responds, and does not take what is written.
        redis.ask("CONFIG", "SET", "min-replicas-to-write", 1)
    try:
        assert loaded((node,), "/exact", 50) == {200: 200}
        assert "x-ratelimit-limit-year" not in get(node.proxy, "/exact").headers
        reply = get(node.proxy, "/strict")
        assert reply.status == 500
        assert b"An unexpected error occurred" in reply.body
    finally:
        if trouble == "gone":
            redis.start()
        elif trouble == "hangs":
            redis.resume()
        else:
            redis.ask("CONFIG", "SET", "min-replicas-to-write", 0)
    eventually(lambda: "x-ratelimit-limit-year" in get(node.proxy, "/exact").headers)
    eventually(lambda: "x-ratelimit-limit-year" in get(node.proxy, "/strict").headers)
    assert len(node.workers()) == 1
