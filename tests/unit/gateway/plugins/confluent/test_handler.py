# SPDX-License-Identifier: Apache-2.0
"""``confluent``: always TLS and SASL, and synchronous unless told otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.http.messages import Response
from gateway.plugins.confluent.schema import Config
from gateway.plugins.produce.producer_config import confluent_producer
from tests.support.broker import Broker
from tests.support.ports import free_ports
from tests.support.producing import NOT_SENT, SENT, Worker, answer, body_of, request, working

HERE = {"topic": "t", "bootstrap_servers": [{"host": "b", "port": 1}]}
KEY = {"cluster_api_key": "k", "cluster_api_secret": "s"}


def producer(**config: Any) -> Any:
    return confluent_producer(Config(**{**HERE, **KEY, **config}), None)


def test_producer_settings_count_only_when_enabled() -> None:
    given = {"producer_request_acks": -1, "producer_request_timeout": 7}
    assert producer(**given) == producer()
    enabled = producer(producer_config_enabled=True, **given)
    assert (enabled.acks, enabled.idempotent, enabled.request_timeout) == (-1, True, 7)


def test_tls_and_sasl_are_always_on() -> None:
    made = producer()
    assert made.tls is not None
    assert made.tls.verify
    assert (made.sasl.mechanism, made.sasl.user) == ("PLAIN", "k")


def test_a_token_endpoint_wins_over_the_api_key() -> None:
    made = producer(oauthbearer={"token_endpoint_url": "https://t", "client_id": "c"})
    assert made.sasl.mechanism == "OAUTHBEARER"
    assert made.sasl.oauth.url == "https://t"
    assert made.sasl.user == ""


def test_secrets_do_not_show_in_its_representation() -> None:
    made = producer(cluster_api_secret="hidden-secret")
    assert "hidden-secret" not in repr(made)


@pytest.mark.kafka
def test_kafka_down_is_an_error_although_producer_async_is_true() -> None:
    (port,) = free_ports(1)
    servers = [{"host": "127.0.0.1", "port": port}]
    config = {**KEY, "topic": "t", "bootstrap_servers": servers, "timeout": 1000}

    async def job(worker: Worker) -> Response:
        return await answer(worker.confluent(config), request())

    response = working(job)
    assert (response.status, body_of(response)) == (502, NOT_SENT)


@pytest.mark.kafka
def test_a_record_is_written_with_the_api_key(broker: Broker) -> None:
    topic = broker.topic()
    name, password = broker.writer
    config = {
        "topic": topic,
        "bootstrap_servers": [{"host": "127.0.0.1", "port": broker.port}],
        "cluster_api_key": name,
        "cluster_api_secret": password,
    }

    async def job(worker: Worker) -> Response:
        return await answer(worker.confluent(config), request())

    response = working(job, broker.ca_file)
    assert (response.status, body_of(response)) == (200, SENT)
    assert len(broker.records(topic)) == 1


@pytest.mark.kafka
def test_without_credentials_the_producer_cannot_be_created() -> None:
    async def job(worker: Worker) -> Response:
        return await answer(worker.confluent(HERE), request())

    response = working(job)
    assert (response.status, body_of(response)["message"]) == (502, "Bad Gateway")
    assert "could not be created" in body_of(response)["error"]
