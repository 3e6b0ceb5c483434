# SPDX-License-Identifier: Apache-2.0
"""From a plugin's configuration to that of the producer that writes its records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.errors import CertificateMissing, ProduceError
from gateway.kafka.config import LARGEST_BATCH, LINGER, Gating, OAuth, ProducerConfig, Sasl, Tls
from gateway.plugins.produce.delivery_settings import BootstrapServer, Delivering
from gateway.plugins.produce.settings import OAuthBearer, Producing

if TYPE_CHECKING:
    from gateway.plugins.confluent.schema import Config as ConfluentConfig
    from gateway.plugins.kafka_log.schema import Config as KafkaLogConfig
    from gateway.plugins.kafka_upstream.schema import Config as KafkaUpstreamConfig


def kafka_upstream_producer(
    config: KafkaUpstreamConfig | KafkaLogConfig,
    certificate: Callable[[str], tuple[str, str] | None],
    trusted_ca: str | None,
) -> ProducerConfig:
    """Return the producer of a ``kafka-upstream`` or ``kafka-log`` plugin.

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


def is_async(config: Delivering) -> bool:
    """Tell whether callers are answered once the record is buffered."""
    if not isinstance(config, Producing):
        # Log entries: their callers are answered already.
        return True
    # `confluent` ignores every producer setting unless `producer_config_enabled` is set.
    return config.producer_async and getattr(config, "producer_config_enabled", True)


def deadline(config: Delivering) -> int:
    """Return how long a request waits for its record at most, in milliseconds."""
    one_try = config.producer_request_timeout + config.producer_request_retries_backoff_timeout
    return min(config.timeout, config.producer_request_retries_max_attempts * one_try)


def _producer(
    config: Delivering, tls: Tls | None, sasl: Sasl | None, *, applies: bool
) -> ProducerConfig:
    """Return the producer's settings; ``applies`` is whether ``producer_…`` fields count."""
    where = tuple(
        f"{_bracketed(server)}:{server.port}" for server in config.bootstrap_servers or ()
    )
    if not where:
        raise ProduceError("_INVALID_ARG", "bootstrap_servers names no broker")
    delivery = config if applies else type(config).model_construct(timeout=config.timeout)
    buffered = is_async(config)
    made = ProducerConfig(
        bootstrap=where,
        tls=tls,
        sasl=sasl,
        acks=delivery.producer_request_acks,
        idempotent=delivery.producer_request_acks == -1,
        compression=config.compression_type,
        deadline=deadline(delivery),
        request_timeout=delivery.producer_request_timeout,
        socket_timeout=config.timeout,
        attempts=delivery.producer_request_retries_max_attempts,
        backoff=delivery.producer_request_retries_backoff_timeout,
        idle=config.keepalive,
        batch_messages=(
            delivery.producer_request_limits_messages_per_request if buffered else LARGEST_BATCH
        ),
        batch_bytes=delivery.producer_request_limits_bytes_per_request,
        buffer_messages=delivery.producer_async_buffering_limits_messages_in_memory,
        linger=0.0 if buffered and not delivery.producer_async_flush_timeout else LINGER,
        waited=False,
    )
    if not isinstance(config, Producing) or not isinstance(delivery, Producing):
        return made
    return replace(
        made,
        partitioner=config.partitioner,
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
