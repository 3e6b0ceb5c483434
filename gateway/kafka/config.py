# SPDX-License-Identifier: Apache-2.0
"""What distinguishes producers, and the settings of librdkafka that follow.

``ProducerConfig`` is hashable: plugins whose connection and delivery settings are equal share one
producer, and a producer outlives a snapshot when the next one asks for an equal one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

BUFFER_BYTES = 64 * 1024**2
"""Bytes of records a producer buffers at most; the number of records is the plugin's setting."""
LARGEST_BATCH = 10_000
STICKY = 10
"""Milliseconds for which records without a key go to one partition. librdkafka's own default for so
short a linger time scatters those that come together, which makes a request of each few."""
LINGER = 2.0
"""Milliseconds for which librdkafka keeps records; a push ends them. Longer than it takes to hand
over what goes together: it would send the first half alone, and an idempotent producer then spins
until that is answered."""
_MOST = 2**31 - 1
"""What librdkafka's settings can hold; a plugin's fields have no bound in Kong."""
_LARGEST_RECORD = 100_000_000
"""Left to the broker to judge: the size of a request's body is bounded before it comes here."""


@dataclass(frozen=True)
class OAuth:
    """Where tokens for SASL/OAUTHBEARER come from."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    extensions: tuple[tuple[str, str], ...] = ()
    verify: bool = True
    basic: bool = True
    """Whether id and secret go into the Authorization header, rather than into the form."""


@dataclass(frozen=True)
class Sasl:
    """How the gateway proves itself: a user and password, or a token."""

    mechanism: str
    user: str = ""
    password: str = field(default="", repr=False)
    oauth: OAuth | None = None


@dataclass(frozen=True)
class Tls:
    """How the connection is secured. ``ca`` is a file; certificate and key are PEM texts."""

    verify: bool = True
    ca: str | None = None
    certificate: str | None = None
    key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Gating:
    """When records are refused because Kafka is unreachable; interval in milliseconds."""

    failures: int = 3
    recoveries: int = 1
    interval: int = 5000


@dataclass(frozen=True)
class ProducerConfig:
    """Everything that distinguishes one producer from another. Times in milliseconds."""

    bootstrap: tuple[str, ...]
    tls: Tls | None = None
    sasl: Sasl | None = None
    acks: int = 1
    idempotent: bool = False
    compression: str = "none"
    partitioner: str = "consistent_random"
    deadline: int = 10_000
    request_timeout: int = 2000
    socket_timeout: int = 10_000
    attempts: int = 10
    backoff: int = 100
    idle: int = 60_000
    batch_messages: int = LARGEST_BATCH
    batch_bytes: int = 1_048_576
    buffer_messages: int = 50_000
    buffer_bytes: int = BUFFER_BYTES
    linger: float = LINGER
    waited: bool = True
    """Whether callers wait for what becomes of their records."""
    gated: bool = False
    gating: Gating = Gating()
    extra: tuple[tuple[str, str], ...] = ()
    """Further librdkafka settings, which win: for tests."""


def librdkafka_settings(config: ProducerConfig) -> dict[str, str]:
    """Return the settings for ``rd_kafka_conf_set``; passwords and keys are among them."""
    settings = {
        "bootstrap.servers": ",".join(config.bootstrap),
        "client.id": "kafka-gateway",
        "client.software.name": "kafka-gateway",
        "log.queue": "true",
        # At a level that we do not show; it is the reason when nothing else is said.
        "log.connection.close": "true",
        **_delivery(config),
        **_connection(config),
        **_security(config.tls, config.sasl),
    }
    return settings | dict(config.extra)


def _delivery(config: ProducerConfig) -> dict[str, str]:
    settings = {
        "acks": str(config.acks),
        "enable.idempotence": str(config.idempotent).lower(),
        "message.timeout.ms": str(message_timeout(config.deadline)),
        "request.timeout.ms": str(max(1, min(config.request_timeout, 900_000))),
        "retry.backoff.ms": str(max(1, min(config.backoff, 300_000))),
        "retry.backoff.max.ms": str(max(1, min(10 * config.backoff, 300_000))),
        "compression.type": config.compression,
        "partitioner": config.partitioner,
        "linger.ms": str(min(config.linger, message_timeout(config.deadline) / 2)),
        "sticky.partitioning.linger.ms": str(STICKY),
        "batch.num.messages": str(min(config.batch_messages, 1_000_000)),
        "batch.size": str(max(1, min(config.batch_bytes, _MOST))),
        "message.max.bytes": str(_LARGEST_RECORD),
        # The producer counts and bounds what it hands over; these are only the second fence.
        "queue.buffering.max.messages": str(min(2 * config.buffer_messages, _MOST)),
        "queue.buffering.max.kbytes": str(2 * config.buffer_bytes // 1024 + 1024),
    }
    if not config.idempotent:
        # One batch in flight, as Kong does it, so that a retried one cannot be overtaken.
        settings["max.in.flight.requests.per.connection"] = "1"
        settings["message.send.max.retries"] = str(min(config.attempts - 1, _MOST))
    return settings


def _connection(config: ProducerConfig) -> dict[str, str]:
    setup, request = _one_try(config)
    return {
        "socket.timeout.ms": str(request),
        "socket.connection.setup.timeout.ms": str(setup),
        "socket.nagle.disable": "true",
        "socket.keepalive.enable": "true",
        # Idle connections cost a handshake when the next request comes; Kafka itself closes
        # them after ten minutes. Never below Kong's own minute.
        "connections.max.idle.ms": str(max(60_000, min(config.idle, _MOST))),
        # Back soon after Kafka is: librdkafka's own default waits up to ten seconds.
        "reconnect.backoff.ms": "100",
        "reconnect.backoff.max.ms": "1000",
        "topic.metadata.refresh.fast.interval.ms": "100",
        # How long a topic that was just asked for may be missing: long enough to be auto-created
        # and get a leader, short enough to tell the caller within the deadline.
        "topic.metadata.propagation.max.ms": str(min(3000, config.deadline // 3)),
    }


def _security(tls: Tls | None, sasl: Sasl | None) -> dict[str, str]:
    protocol = {
        (False, False): "plaintext",
        (True, False): "ssl",
        (False, True): "sasl_plaintext",
        (True, True): "sasl_ssl",
    }[tls is not None, sasl is not None]
    settings = {"security.protocol": protocol}
    if tls is not None:
        if tls.ca is not None:
            settings["ssl.ca.location"] = tls.ca
        if not tls.verify:
            settings["enable.ssl.certificate.verification"] = "false"
            settings["ssl.endpoint.identification.algorithm"] = "none"
        if tls.certificate is not None and tls.key is not None:
            settings["ssl.certificate.pem"] = tls.certificate
            settings["ssl.key.pem"] = tls.key
    if sasl is not None:
        settings["sasl.mechanism"] = sasl.mechanism
        if sasl.oauth is None:
            settings["sasl.username"] = sasl.user
            settings["sasl.password"] = sasl.password
    return settings


def _one_try(config: ProducerConfig) -> tuple[int, int]:
    """Return how long a broker may be silent, in milliseconds: to a new connection, to a request.

    Time for a second try is left before a record is given up, unless a broker was granted more to
    have the record replicated.
    """
    most = min(config.socket_timeout, 300_000)
    half = message_timeout(config.deadline) // 2 - config.backoff
    return max(1000, min(most, half)), max(10, min(most, max(half, config.request_timeout)))


def message_timeout(limit: int) -> int:
    """Return when librdkafka gives a record up, in milliseconds.

    It looks for late records once a second, so it has to begin that much before the deadline.
    """
    return max(1, min(limit - min(1000, limit // 2), _MOST))
