# SPDX-License-Identifier: Apache-2.0
"""librdkafka's mock cluster: Kafka brokers in this process that fail when they are told to."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from gateway.kafka import librdkafka as rdk
from gateway.kafka.config import ProducerConfig
from gateway.kafka.librdkafka import ffi, lib
from gateway.kafka.producer import Producer
from tests.support.waiting import PATIENCE

PRODUCE = 0
"""API key of produce requests."""


class MockKafka:
    """A cluster of ``brokers``; numbers of brokers count from 1. Topics make themselves."""

    def __init__(self, brokers: int = 1) -> None:
        problem = ffi.new("char[512]")
        conf = lib.rd_kafka_conf_new()
        self._owner = lib.rd_kafka_new(rdk.PRODUCER, conf, problem, 512)
        self._cluster: Any = lib.rd_kafka_mock_cluster_new(self._owner, brokers)
        self.bootstrap = rdk.text(lib.rd_kafka_mock_cluster_bootstraps(self._cluster))

    @property
    def servers(self) -> list[dict[str, Any]]:
        """The brokers as a plugin's ``bootstrap_servers``."""
        pairs = [one.rsplit(":", 1) for one in self.bootstrap.split(",")]
        return [{"host": host, "port": int(port)} for host, port in pairs]

    def create(self, topic: str, partitions: int = 1, replicas: int = 1) -> None:
        """Make a topic."""
        assert not lib.rd_kafka_mock_topic_create(
            self._cluster, topic.encode(), partitions, replicas
        )

    def lead(self, topic: str, broker: int, partition: int = 0) -> None:
        """Make a broker the leader of a partition."""
        assert not lib.rd_kafka_mock_partition_set_leader(
            self._cluster, topic.encode(), partition, broker
        )

    def down(self, broker: int = 1) -> None:
        """Close a broker's connections and take no new ones."""
        assert not lib.rd_kafka_mock_broker_set_down(self._cluster, broker)

    def up(self, broker: int = 1) -> None:
        """Take connections again."""
        assert not lib.rd_kafka_mock_broker_set_up(self._cluster, broker)

    def round_trip(self, milliseconds: int, broker: int = 1) -> None:
        """Answer everything that much later."""
        assert not lib.rd_kafka_mock_broker_set_rtt(self._cluster, broker, milliseconds)

    def fail(self, *codes: int, request: int = PRODUCE) -> None:
        """Answer the next requests of a kind with these error codes, one each."""
        errors = ffi.new("int[]", list(codes))
        lib.rd_kafka_mock_push_request_errors_array(self._cluster, request, len(codes), errors)

    def fail_no_more(self, request: int = PRODUCE) -> None:
        """Forget what ``fail`` was told."""
        lib.rd_kafka_mock_clear_request_errors(self._cluster, request)

    def close(self) -> None:
        """End it; calls that follow raise ``TypeError``."""
        cluster, self._cluster = self._cluster, None
        lib.rd_kafka_mock_cluster_destroy(cluster)
        lib.rd_kafka_destroy_flags(self._owner, 0)


def config_of(cluster: MockKafka, **changes: Any) -> ProducerConfig:
    """Return the configuration of a producer for the cluster."""
    return ProducerConfig(bootstrap=tuple(cluster.bootstrap.split(",")), **changes)


def small_requests(cluster: MockKafka, **changes: Any) -> ProducerConfig:
    """Return the configuration of an idempotent producer with requests of four records."""
    return config_of(cluster, **{"acks": -1, "idempotent": True, "batch_messages": 4, **changes})


async def delivered(producer: Producer, value: bytes = b"v", topic: str = "t") -> Any:
    """Send a record; return None or its error."""
    report = asyncio.get_running_loop().create_future()
    producer.send(topic, value, on_delivery=report.set_result)
    return await report


def written(cluster: MockKafka, topic: str = "t") -> list[bytes]:
    """Return the values of all records in a topic, partition by partition."""
    settings = {
        "bootstrap.servers": cluster.bootstrap,
        "group.id": "reader",
        "enable.partition.eof": True,
        "log_level": 0,
    }
    found: dict[int, list[bytes]] = {}
    consumer = Consumer(settings)
    try:
        known = consumer.list_topics(topic, timeout=PATIENCE).topics[topic].partitions
        consumer.assign([TopicPartition(topic, one, OFFSET_BEGINNING) for one in known])
        left = set(known)
        while left:
            message = consumer.poll(PATIENCE)
            assert message is not None, "the topic could not be read"
            error, partition = message.error(), message.partition()
            assert partition is not None
            if error is None:
                found.setdefault(partition, []).append(message.value() or b"")
            elif error.code() == KafkaError._PARTITION_EOF:
                left.discard(partition)
    finally:
        consumer.close()
    return [value for partition in sorted(found) for value in found[partition]]


@contextmanager
def silence() -> Iterator[str]:
    """Give the address of a listener that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def mock_kafka(brokers: int = 1) -> Iterator[MockKafka]:
    """Give a cluster, gone at the end."""
    cluster = MockKafka(brokers)
    try:
        yield cluster
    finally:
        cluster.close()


_SASL_HANDSHAKE, _API_VERSIONS, _SASL_AUTHENTICATE = 17, 18, 36
_UNSUPPORTED_VERSION = 35


class InterruptedHandshakes:
    """A Kafka server that ends each connection when a client asks for SASL, as in a restart.

    ``handshakes``: how many times that was.
    """

    def __init__(self) -> None:
        self.handshakes = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> InterruptedHandshakes:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                frame = await reader.readexactly(size)
                api_key, version, correlation = struct.unpack(">hhi", frame[:8])
                if api_key == _SASL_HANDSHAKE:
                    self.handshakes += 1
                if api_key != _API_VERSIONS:
                    break
                body = self._api_versions(version, correlation)
                writer.write(struct.pack(">i", len(body)) + body)
        writer.close()

    @staticmethod
    def _api_versions(version: int, correlation: int) -> bytes:
        """Return the response in version 0, which any other version is told to ask for."""
        known = [(_SASL_HANDSHAKE, 0, 1), (_API_VERSIONS, 0, 0), (_SASL_AUTHENTICATE, 0, 1)]
        error = _UNSUPPORTED_VERSION if version else 0
        head = struct.pack(">ihi", correlation, error, len(known))
        return head + b"".join(struct.pack(">hhh", *one) for one in known)
