# SPDX-License-Identifier: Apache-2.0
"""Kafka as the command line uses it: list, create, write, read. All of it blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from gateway.errors import KafkaError
from gateway.kafka.beginnings import ends_of, starts_since
from gateway.kafka.record_headers import headers_of

UNREADABLE = "(headers whose names are not UTF-8)"
"""What stands for headers that the client library cannot read."""

_TIMEOUT = 15.0
_POLL = 0.5
_PAUSE = 0.05
_NOT_YET = frozenset({"UNKNOWN_TOPIC_OR_PART", "LEADER_NOT_AVAILABLE"})
"""What brokers say of a topic that they have not read of, or not wholly."""
_HARMLESS = frozenset({"_TRANSPORT", "_ALL_BROKERS_DOWN", "GROUP_AUTHORIZATION_FAILED"})
"""Errors that do not end reading: what passes, and the group that is named but never joined."""


@dataclass(frozen=True)
class KafkaConnection:
    """Where Kafka is, and the credentials; without user no SASL.

    ``ca`` is a file, ``ca_pem`` a text.
    """

    bootstrap_servers: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str | None = None
    ca_pem: str | None = None
    mechanism: str = "PLAIN"
    tls: bool = True

    def settings(self) -> dict[str, Any]:
        """Return librdkafka's settings."""
        tls = self.tls or self.ca is not None or self.ca_pem is not None
        sasl = self.user is not None
        kind = ("sasl_" if sasl else "") + ("ssl" if tls else "plaintext")
        settings: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap_servers,
            "security.protocol": kind,
            "client.id": "kafka-gateway-cli",
            # Errors are reported once, as sentences, by the caller.
            "log_level": 0,
        }
        if sasl:
            settings["sasl.mechanism"] = self.mechanism
            settings["sasl.username"] = self.user
            settings["sasl.password"] = self.password or ""
        if self.ca is not None:
            settings["ssl.ca.location"] = self.ca
        if self.ca_pem is not None:
            settings["ssl.ca.pem"] = self.ca_pem
        return settings


@dataclass(frozen=True)
class TopicInfo:
    """A topic as the cluster shows it."""

    name: str
    partitions: int


@dataclass(frozen=True)
class Record:
    """A record as it was read; ``timestamp`` in ms since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


def list_topics(connection: KafkaConnection) -> list[TopicInfo]:
    """Return the topics that this user may see, by name; Kafka's own left out."""
    with _Errors(connection, "list topics") as errors:
        settings = connection.settings()
        settings["error_cb"] = errors.note
        admin = AdminClient(settings)
        try:
            found = admin.list_topics(timeout=_TIMEOUT)
        finally:
            admin.poll(0.1)
    topics = [TopicInfo(name, len(topic.partitions)) for name, topic in found.topics.items()]
    return sorted((t for t in topics if not t.name.startswith("__")), key=lambda topic: topic.name)


def create_topic(
    connection: KafkaConnection,
    name: str,
    partitions: int,
    replicas: int,
    config: Mapping[str, str] | None = None,
) -> None:
    """Make a topic that is found from then on; -1 replicas leaves the number to the cluster."""
    new = NewTopic(name, partitions, replicas, config=dict(config or {}))
    with _Errors(connection, f"create topic {name}"):
        admin = AdminClient(connection.settings())
        admin.create_topics([new], request_timeout=_TIMEOUT)[name].result(timeout=2 * _TIMEOUT)
        end = monotonic() + _TIMEOUT
        while not _is_found(admin, name) and monotonic() < end:
            sleep(_PAUSE)


def _is_found(admin: AdminClient, name: str) -> bool:
    """Tell whether a broker knows of a new topic and who leads it, or may not say so.

    The controller confirms a topic before the brokers have read of it (KIP-500, metadata log).
    """
    topic = admin.list_topics(name, timeout=_TIMEOUT).topics[name]
    if topic.error is not None:
        return topic.error.name() not in _NOT_YET
    return min((one.leader for one in topic.partitions.values()), default=-1) >= 0


def produce(
    connection: KafkaConnection,
    topic: str,
    values: Sequence[bytes],
    key: bytes | None = None,
    headers: Sequence[tuple[str, bytes]] = (),
) -> None:
    """Write records and wait until all are acknowledged by every replica in sync."""
    settings = {**connection.settings(), "acks": "all", "linger.ms": 1}
    settings["message.timeout.ms"] = int(_TIMEOUT * 1000)
    problems: list[str] = []

    def report(error: Any, _: Message) -> None:
        if error is not None:
            problems.append(str(error.str()))

    with _Errors(connection, f"write to topic {topic}"):
        producer = Producer(settings)
        for value in values:
            producer.produce(topic, value, key, headers=list(headers), on_delivery=report)
            producer.poll(0)
        producer.flush(2 * _TIMEOUT)
    if problems:
        raise KafkaError(f"cannot write to topic {topic}: {problems[0]}")


@dataclass(frozen=True)
class Beginning:
    """Where to begin to read: at the end as it is now, unless one of the others is given."""

    oldest: bool = False
    offset: int | None = None
    last: int | None = None
    """So many records before the end of each partition."""
    since: int | None = None
    """The first record from this time on, in milliseconds since 1970."""
    partition: int | None = None
    """This one alone; None: all."""


def consume(
    connection: KafkaConnection, topic: str, *, at: Beginning, most: int | None, follow: bool
) -> Iterator[Record]:
    """Yield records: up to ``most``, up to the topic's end as it is now, or for ever (``follow``).

    Joins no group and commits nothing. Raises ``KafkaError`` naming the topic.
    """
    settings = {
        **connection.settings(),
        "group.id": "kafka-gateway-cli",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
    }
    with _Errors(connection, f"read topic {topic}"):
        consumer = Consumer(settings)
        try:
            found = consumer.list_topics(topic, timeout=_TIMEOUT).topics[topic]
            if found.error is not None:
                raise KafkaError(f"cannot read topic {topic}: {found.error.str()}")
            numbers = set(found.partitions)
            if at.partition is not None:
                if at.partition not in numbers:
                    known = f"it has 0 to {max(numbers)}"
                    raise KafkaError(f"topic {topic} has no partition {at.partition}: {known}")
                numbers = {at.partition}
            consumer.assign([_start(consumer, topic, number, at) for number in sorted(numbers)])
            yield from _read(consumer, most, None if follow else numbers, topic)
        finally:
            consumer.close()


def _start(consumer: Consumer, topic: str, partition: int, at: Beginning) -> TopicPartition:
    """Return where to begin in a partition."""
    where = TopicPartition(topic, partition, OFFSET_BEGINNING if at.oldest else OFFSET_END)
    if at.since is not None:
        ends = ends_of(consumer, [(topic, partition)], _TIMEOUT)
        (where,) = starts_since(consumer, ends, at.since, _TIMEOUT)
    elif at.offset is not None or at.last is not None:
        low, high = consumer.get_watermark_offsets(where, timeout=_TIMEOUT)
        wanted = high - at.last if at.last is not None else at.offset or 0
        where.offset = min(max(wanted, low), high)
    return where


def _read(
    consumer: Consumer, most: int | None, open_ends: set[int] | None, topic: str
) -> Iterator[Record]:
    """Yield until enough, or until every partition of ``open_ends`` was read to its end."""
    count, quiet_since = 0, monotonic()
    while (most is None or count < most) and open_ends != set():
        message = consumer.poll(_POLL)
        if message is None:
            if open_ends is not None and monotonic() - quiet_since > _TIMEOUT:
                raise KafkaError(f"cannot read topic {topic}: no response within {_TIMEOUT:.0f} s")
            continue
        quiet_since = monotonic()
        error = message.error()
        if error is None:
            count += 1
            yield _record(message)
        elif error.name() == "_PARTITION_EOF":
            if open_ends is not None:
                open_ends.discard(message.partition() or 0)
        elif not error.retriable() and error.name() not in _HARMLESS:
            raise KafkaError(f"cannot read topic {topic}: {error.str()}")


def _record(message: Message) -> Record:
    headers = headers_of(message)
    return Record(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=[(UNREADABLE, None)] if headers is None else headers,
    )


class _Errors:
    """Turns the client library's exceptions into one sentence."""

    def __init__(self, connection: KafkaConnection, doing: str) -> None:
        self._doing = doing
        self._where = connection.bootstrap_servers
        self._reason = ""

    def __enter__(self) -> _Errors:
        return self

    def note(self, error: Any) -> None:
        """Keep what the library says by the way: why it has no connection."""
        if error.name() not in ("_ALL_BROKERS_DOWN", "_TRANSPORT"):
            self._reason = str(error.str())

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, KafkaException):
            text = error.args[0].str() if error.args and hasattr(error.args[0], "str") else error
            text = self._reason or text
            raise KafkaError(f"cannot {self._doing} at {self._where}: {text}") from error
        if isinstance(error, TimeoutError):
            raise KafkaError(f"cannot {self._doing} at {self._where}: no response") from error
