# SPDX-License-Identifier: Apache-2.0
"""One key, a hundred requests at once, whole nodes and a real broker; workers and nodes die."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import Consumer, TopicPartition

from tests.support.broker import Broker, running_broker
from tests.support.node import NodeProcess, running_node
from tests.support.producing import on_broker
from tests.support.retrying import Retrying
from tests.support.valkey import running_valkey
from tests.support.waiting import PATIENCE, eventually


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Give a broker that may be stopped for a while."""
    with running_broker(tmp_path_factory.mktemp("kafka")) as own:
        yield own


@pytest.fixture
def topic(broker: Broker) -> str:
    """Give a topic that the gateway may write and read: what was cut off is looked for in it."""
    name = broker.topic()
    broker.allow(broker.writer, name, "read")
    return name


def routes(broker: Broker, topic: str, **idempotency: Any) -> bytes:
    """Return a configuration of one route that writes records, protected by the plugin."""
    plugins = [
        {"name": "idempotency", "config": idempotency},
        {"name": "kafka-upstream", "config": on_broker(broker, topic, producer_async=False)},
    ]
    route = {"name": "orders", "paths": ["/orders"], "plugins": plugins}
    return orjson.dumps({"_format_version": "3.0", "routes": [route]})


@contextmanager
def serving(folder: Path, broker: Broker, configuration: bytes) -> Iterator[NodeProcess]:
    folder.mkdir(exist_ok=True)
    (folder / "kong.json").write_bytes(configuration)
    settings = {
        "KONG_DECLARATIVE_CONFIG": str(folder / "kong.json"),
        "KONG_LUA_SSL_TRUSTED_CERTIFICATE": broker.ca_file,
    }
    with running_node(folder, **settings) as running:
        yield running.ready()


@pytest.fixture
def node(tmp_path: Path, broker: Broker, topic: str) -> Iterator[NodeProcess]:
    with serving(tmp_path, broker, routes(broker, topic)) as running:
        yield running


def kill(node: NodeProcess) -> None:
    """Kill the whole node at once."""
    for pid in [node.process.pid, *node.workers()]:
        os.kill(pid, signal.SIGKILL)


def test_a_hundred_requests_over_all_workers_of_a_node_write_one_record(
    node: NodeProcess, broker: Broker, topic: str
) -> None:
    clients = Retrying([node.proxy], "one").start().join()
    assert clients.statuses == {200: 100}
    assert clients.bodies == {b'{"message":"message sent"}'}
    assert broker.count(topic) == 1


def test_a_worker_killed_between_record_and_answer_leaves_exactly_one_record(
    node: NodeProcess, broker: Broker, topic: str
) -> None:
    assert Retrying([node.proxy], "warm", 4).start().join().statuses == {200: 4}
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        clients = Retrying([node.proxy], "two").start()
        eventually(lambda: active(node) == 100)
        os.kill(node.workers()[0], signal.SIGKILL)
        eventually(lambda: clients.broken)
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    assert clients.join().statuses == {200: 100}
    assert broker.count(topic) == 2


def killed_in_the_middle(nodes: list[NodeProcess], broker: Broker) -> Retrying:
    """Kill the first node while Kafka hangs under a hundred requests; return their callers."""
    ports = [node.proxy for node in nodes]
    assert Retrying(ports, "warm", 4).start().join().statuses == {200: 4}
    os.kill(broker.pid, signal.SIGSTOP)
    try:
        clients = Retrying(ports, "two").start()
        eventually(lambda: sum(active(node) for node in nodes) == 100)
        kill(nodes[0])
        eventually(lambda: clients.broken)
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    clients.join()
    return clients


@pytest.fixture
def two_on_redis(tmp_path: Path, broker: Broker, topic: str) -> Iterator[list[NodeProcess]]:
    with running_valkey(tmp_path) as valkey:
        where = {"host": "127.0.0.1", "port": valkey.port}
        text = routes(broker, topic, storage="redis", redis=where)
        with (
            serving(tmp_path / "a", broker, text) as one,
            serving(tmp_path / "b", broker, text) as other,
        ):
            yield [one, other]


def test_a_hundred_requests_to_two_nodes_on_one_redis_write_one_record(
    two_on_redis: list[NodeProcess], broker: Broker, topic: str
) -> None:
    clients = Retrying([node.proxy for node in two_on_redis], "one").start().join()
    assert clients.statuses == {200: 100}
    assert broker.count(topic) == 1


def test_one_of_two_nodes_on_redis_killed_in_the_middle_leaves_exactly_one_record(
    two_on_redis: list[NodeProcess], broker: Broker, topic: str
) -> None:
    clients = killed_in_the_middle(two_on_redis, broker)
    assert clients.statuses == {200: 100}
    assert broker.count(topic) == 2


@pytest.fixture
def two_on_kafka(tmp_path: Path, broker: Broker, topic: str) -> Iterator[list[NodeProcess]]:
    keys = broker.topic(3, {"cleanup.policy": "compact"})
    name, password = broker.admin
    where = {
        "topic": keys,
        "bootstrap_servers": [{"host": "127.0.0.1", "port": broker.port}],
        "authentication": {"mechanism": "PLAIN", "user": name, "password": password},
        "security": {"ssl": True},
        "lease": 3,
    }
    text = routes(broker, topic, storage="kafka", kafka=where)
    with (
        serving(tmp_path / "a", broker, text) as one,
        serving(tmp_path / "b", broker, text) as other,
    ):
        yield [one, other]


def test_a_hundred_requests_to_two_nodes_on_one_topic_write_one_record(
    two_on_kafka: list[NodeProcess], broker: Broker, topic: str
) -> None:
    clients = Retrying([node.proxy for node in two_on_kafka], "one").start().join()
    assert clients.statuses == {200: 100}
    assert committed(broker, topic) == 1


def test_one_of_two_nodes_on_kafka_killed_in_the_middle_leaves_exactly_one_record(
    two_on_kafka: list[NodeProcess], broker: Broker, topic: str
) -> None:
    clients = killed_in_the_middle(two_on_kafka, broker)
    assert clients.statuses == {200: 100}
    assert committed(broker, topic) == 2


def committed(broker: Broker, topic: str) -> int:
    """Return how many records of a topic a consumer sees that reads committed ones only."""
    consumer = Consumer(
        {
            **broker.client(),
            "group.id": "none",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        found = 0
        while True:
            message = consumer.poll(PATIENCE)
            assert message is not None
            if message.error() is not None:
                return found
            found += 1
    finally:
        consumer.close()


def active(node: NodeProcess) -> int:
    found: int = node.json("/status")["server"]["connections_active"]
    return found
