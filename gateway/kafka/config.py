# SPDX-License-Identifier: Apache-2.0
"""From a plugin's configuration to a producer's, and from there to librdkafka's settings.

``ProducerConfig`` is hashable: plugins whose connection and delivery settings are equal share one
producer, and a producer outlives a snapshot when the next one asks for an equal one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.errors import CertificateMissing, ProduceError
from gateway.plugins.produce.settings import BootstrapServer, OAuthBearer, Producing

if TYPE_CHECKING:
    from gateway.plugins.confluent.schema import Config as ConfluentConfig
    from gateway.plugins.kafka_upstream.schema import Config as KafkaUpstreamConfig

BUFFER_BYTES = 64 * 1024**2
"""Bytes of records a producer buffers at most; the number of records is the plugin's setting."""
_LARGEST_BATCH = 10_000
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
    """How to prove who we are: a user and password, or a token."""

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
    """When callers are turned away because Kafka is away; interval in milliseconds."""

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
    batch_messages: int = _LARGEST_BATCH
    batch_bytes: int = 1_048_576
    buffer_messages: int = 50_000
    buffer_bytes: int = BUFFER_BYTES
    linger: float = 0.1
    waited: bool = True
    """Whether callers wait for what becomes of their records."""
    gated: bool = False
    gating: Gating = Gating()
    extra: tuple[tuple[str, str], ...] = ()
    """Further librdkafka settings, which win: for tests."""


def kafka_upstream_producer(
    config: KafkaUpstreamConfig,
    certificate: Callable[[str], tuple[str, str] | None],
    trusted_ca: str | None,
) -> ProducerConfig:
    """Return the producer of a ``kafka-upstream`` plugin.

    Raises ``CertificateMissing``, or ``ProduceError`` for what librdkafka cannot do.
    """
    sasl = None
    authentication = config.authentication
    if authentication is not None and authentication.sasl:
        if authentication.tokenauth:
            raise ProduceError("_NOT_IMPLEMENTED", _NO_DELEGATION_TOKENS)
        sasl = Sasl(
            authentication.mechanism or "PLAIN",
            authentication.user or "",
            authentication.password or "",
            _oauth(authentication.oauthbearer),
        )
    tls = None
    security = config.security
    if security is not None and (security.ssl or security.certificate_id):
        pair: tuple[str, str] | None = None
        if security.certificate_id:
            pair = certificate(security.certificate_id)
            if pair is None:
                raise CertificateMissing("_SSL", f"no certificate {security.certificate_id}")
        tls = Tls(security.ssl_verify, trusted_ca, *(pair or (None, None)))
    return _producer(config, tls, sasl, applies=True)


def confluent_producer(config: ConfluentConfig, trusted_ca: str | None) -> ProducerConfig:
    """Return the producer of a ``confluent`` plugin: always TLS, always SASL."""
    security = config.security
    tls = Tls(security.ssl_verify if security is not None else True, trusted_ca)
    if config.oauthbearer is not None:
        sasl = Sasl("OAUTHBEARER", oauth=_oauth(config.oauthbearer))
    else:
        sasl = Sasl("PLAIN", config.cluster_api_key or "", config.cluster_api_secret or "")
    return _producer(config, tls, sasl, applies=config.producer_config_enabled)


_NO_DELEGATION_TOKENS = (
    "librdkafka cannot authenticate with delegation tokens; use SASL/PLAIN, SCRAM or OAUTHBEARER"
)


def is_async(config: Producing) -> bool:
    """Tell whether callers are answered once the record is buffered."""
    # `confluent` ignores every producer setting unless told otherwise (kafka-plugins.md §2.11).
    return config.producer_async and getattr(config, "producer_config_enabled", True)


def deadline(config: Producing) -> int:
    """Return how long a request waits for its record at most, in milliseconds."""
    one_try = config.producer_request_timeout + config.producer_request_retries_backoff_timeout
    return min(config.timeout, config.producer_request_retries_max_attempts * one_try)


def _producer(
    config: Producing, tls: Tls | None, sasl: Sasl | None, *, applies: bool
) -> ProducerConfig:
    """Return the producer's settings; ``applies`` is whether ``producer_…`` fields count."""
    where = tuple(
        f"{_bracketed(server)}:{server.port}" for server in config.bootstrap_servers or ()
    )
    if not where:
        raise ProduceError("_INVALID_ARG", "bootstrap_servers names no broker")
    delivery = config if applies else type(config).model_construct(timeout=config.timeout)
    buffered = is_async(config)
    return ProducerConfig(
        bootstrap=where,
        tls=tls,
        sasl=sasl,
        acks=delivery.producer_request_acks,
        idempotent=delivery.producer_request_acks == -1,
        compression=config.compression_type,
        partitioner=config.partitioner,
        deadline=deadline(delivery),
        request_timeout=delivery.producer_request_timeout,
        socket_timeout=config.timeout,
        attempts=delivery.producer_request_retries_max_attempts,
        backoff=delivery.producer_request_retries_backoff_timeout,
        idle=config.keepalive,
        batch_messages=(
            delivery.producer_request_limits_messages_per_request if buffered else _LARGEST_BATCH
        ),
        batch_bytes=delivery.producer_request_limits_bytes_per_request,
        buffer_messages=delivery.producer_async_buffering_limits_messages_in_memory,
        linger=0.0 if buffered and not delivery.producer_async_flush_timeout else 0.1,
        waited=not (buffered or config.accepted),
        gated=buffered and delivery.producer_async_health_gating,
        gating=Gating(
            delivery.producer_async_health_failure_threshold,
            delivery.producer_async_health_recovery_threshold,
            delivery.producer_async_health_probe_interval,
        ),
    )


def _oauth(given: OAuthBearer | None) -> OAuth | None:
    if given is None:
        return None
    return OAuth(
        given.token_endpoint_url or "",
        given.client_id or "",
        given.client_secret or "",
        tuple(given.scopes or ()),
        tuple(sorted((given.extensions or {}).items())),
        given.token_endpoint_tls_verify,
        given.auth_method == "client_secret_basic",
    )


def _bracketed(server: BootstrapServer) -> str:
    host = server.host
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


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
        "message.timeout.ms": str(_message_timeout(config.deadline)),
        "request.timeout.ms": str(max(1, min(config.request_timeout, 900_000))),
        "retry.backoff.ms": str(max(1, min(config.backoff, 300_000))),
        "retry.backoff.max.ms": str(max(1, min(10 * config.backoff, 300_000))),
        "compression.type": config.compression,
        "partitioner": config.partitioner,
        "linger.ms": str(config.linger),
        # Records without a key that come together go to one partition: librdkafka's own default
        # for so short a linger time scatters them, which makes a request of each few.
        "sticky.partitioning.linger.ms": "10",
        "batch.num.messages": str(min(config.batch_messages, 1_000_000)),
        "batch.size": str(max(1, min(config.batch_bytes, 2**31 - 1))),
        "message.max.bytes": str(_LARGEST_RECORD),
        # The producer counts and bounds what it hands over; these are only the second fence.
        "queue.buffering.max.messages": str(min(2 * config.buffer_messages, 2**31 - 1)),
        "queue.buffering.max.kbytes": str(2 * config.buffer_bytes // 1024 + 1024),
    }
    if not config.idempotent:
        # One batch on the way, as Kong does it, so that a retried one cannot be overtaken.
        settings["max.in.flight.requests.per.connection"] = "1"
        settings["message.send.max.retries"] = str(config.attempts - 1)
    return settings


def _connection(config: ProducerConfig) -> dict[str, str]:
    setup, answer = _one_try(config)
    return {
        "socket.timeout.ms": str(answer),
        "socket.connection.setup.timeout.ms": str(setup),
        "socket.nagle.disable": "true",
        "socket.keepalive.enable": "true",
        # Idle connections cost a handshake when the next request comes; Kafka itself closes
        # them after ten minutes. Never below Kong's own minute.
        "connections.max.idle.ms": str(max(config.idle, 60_000)),
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
    half = _message_timeout(config.deadline) // 2 - config.backoff
    return max(1000, min(most, half)), max(10, min(most, max(half, config.request_timeout)))


def _message_timeout(limit: int) -> int:
    """Return when librdkafka gives a record up, in milliseconds.

    It looks for late records once a second, so it has to begin that much before the deadline.
    """
    return max(1, limit - min(1000, limit // 2))
