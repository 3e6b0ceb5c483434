# SPDX-License-Identifier: Apache-2.0
"""From a plugin's configuration to librdkafka's settings."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import CertificateMissing, ProduceError
from gateway.kafka.config import ProducerConfig, librdkafka_settings
from gateway.kafka.handle import Handle
from gateway.plugins.kafka_upstream.schema import Config
from gateway.plugins.produce.producer_config import kafka_upstream_producer

HERE = {"topic": "t", "bootstrap_servers": [{"host": "b", "port": 1}, {"host": "::1", "port": 2}]}
ID = "11111111-1111-4111-8111-111111111111"


def producer(**config: Any) -> ProducerConfig:
    return kafka_upstream_producer(
        Config(**{**HERE, **config}), {ID: ("CERT", "KEY")}.get, "/ca.pem"
    )


def settings(**config: Any) -> dict[str, str]:
    return librdkafka_settings(producer(**config))


def test_equal_settings_are_one_producer_whatever_the_topic() -> None:
    assert producer() == producer(topic="other", forward_method=True, cluster_name="x")
    assert hash(producer()) == hash(producer(topic="other"))
    assert producer() != producer(timeout=1)
    assert producer() != producer(compression_type="zstd")


NUMBERS = (
    "timeout",
    "keepalive",
    "producer_request_timeout",
    "producer_request_limits_messages_per_request",
    "producer_request_limits_bytes_per_request",
    "producer_request_retries_max_attempts",
    "producer_request_retries_backoff_timeout",
    "producer_async_flush_timeout",
    "producer_async_buffering_limits_messages_in_memory",
)


@pytest.mark.parametrize("number", [1, 2, 2**31 - 1, 2**31, 2**63])
def test_librdkafka_takes_every_number_that_the_schema_takes(number: int) -> None:
    for config in (*({name: number} for name in NUMBERS), dict.fromkeys(NUMBERS, number)):
        handle = Handle({**settings(**config), "log_level": "0"})
        handle.close()
        handle.wait()
        handle.free(())


def test_bootstrap_servers_may_be_ipv6() -> None:
    assert settings()["bootstrap.servers"] == "b:1,[::1]:2"


def test_without_a_broker_there_is_no_producer() -> None:
    with pytest.raises(ProduceError):
        producer(bootstrap_servers=None)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, 10_000),
        ({"timeout": 500}, 500),
        (
            {
                "producer_request_retries_max_attempts": 2,
                "producer_request_timeout": 300,
                "producer_request_retries_backoff_timeout": 50,
            },
            700,
        ),
    ],
)
def test_the_deadline_is_the_shorter_of_timeout_and_all_attempts(
    config: dict[str, Any], expected: int
) -> None:
    made = producer(**config)
    assert made.deadline == expected
    # librdkafka looks for late records once a second: it has to begin before the deadline.
    assert int(librdkafka_settings(made)["message.timeout.ms"]) < expected


def test_acks_of_all_replicas_are_idempotent() -> None:
    found = settings(producer_request_acks=-1, producer_async=False)
    assert (found["acks"], found["enable.idempotence"]) == ("-1", "true")
    assert "message.send.max.retries" not in found


def test_other_acks_try_as_often_as_told_and_in_order() -> None:
    found = settings(producer_request_retries_max_attempts=4)
    assert (found["acks"], found["enable.idempotence"]) == ("1", "false")
    assert found["message.send.max.retries"] == "3"
    assert found["max.in.flight.requests.per.connection"] == "1"


def test_batch_limits_are_for_buffered_records() -> None:
    assert settings()["batch.num.messages"] == "200"
    assert settings(producer_async=False)["batch.num.messages"] == "10000"


def test_gating_is_for_buffered_records() -> None:
    assert producer().gated
    assert not producer(producer_async=False).gated
    assert not producer(producer_async_health_gating=False).gated


@pytest.mark.parametrize(
    ("authentication", "security", "protocol"),
    [
        (None, None, "plaintext"),
        (None, {"ssl": True}, "ssl"),
        ({"user": "u", "password": "p"}, None, "sasl_plaintext"),
        ({"user": "u", "password": "p"}, {"ssl": True}, "sasl_ssl"),
    ],
)
def test_the_protocol_follows_from_security_and_authentication(
    authentication: Any, security: Any, protocol: str
) -> None:
    found = settings(authentication=authentication, security=security)
    assert found["security.protocol"] == protocol


def test_a_mechanism_without_a_strategy_is_used_all_the_same() -> None:
    given = {"mechanism": "SCRAM-SHA-512", "user": "u", "password": "p"}
    found = settings(authentication=given)
    assert found["sasl.mechanism"] == "SCRAM-SHA-512"
    assert (found["sasl.username"], found["sasl.password"]) == ("u", "p")


def test_brokers_are_verified_against_the_trusted_authorities() -> None:
    found = settings(security={"ssl": True})
    assert found["ssl.ca.location"] == "/ca.pem"
    assert "enable.ssl.certificate.verification" not in found
    unsafe = settings(security={"ssl": True, "ssl_verify": False})
    assert unsafe["enable.ssl.certificate.verification"] == "false"


def test_a_certificate_entity_is_shown_to_the_brokers() -> None:
    found = settings(security={"ssl": True, "certificate_id": ID})
    assert (found["ssl.certificate.pem"], found["ssl.key.pem"]) == ("CERT", "KEY")


def test_a_certificate_that_is_not_there_is_named() -> None:
    with pytest.raises(CertificateMissing, match="22222222"):
        producer(security={"ssl": True, "certificate_id": ID.replace("1", "2")})


def test_delegation_tokens_are_refused_in_words() -> None:
    with pytest.raises(ProduceError, match="delegation tokens"):
        producer(
            authentication={
                "mechanism": "SCRAM-SHA-256",
                "user": "u",
                "password": "p",
                "tokenauth": True,
            }
        )


def test_secrets_do_not_show() -> None:
    made = producer(
        authentication={"user": "u", "password": "hidden-secret"},
        security={"ssl": True, "certificate_id": ID},
    )
    assert "hidden-secret" not in repr(made)
    assert "KEY" not in repr(made)
