# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import SchemaViolation
from gateway.plugins.kafka_log.schema import Config
from tests.support.policies import checked

_FIELDS = {
    *("authentication", "bootstrap_servers", "cluster_name", "compression_type"),
    *("custom_fields_by_lua", "keepalive", "keepalive_enabled", "key_query_arg"),
    *("new_kafka_async_producer", "producer_async", "producer_async_flush_timeout"),
    *("producer_async_buffering_limits_messages_in_memory", "producer_request_acks"),
    *("producer_request_limits_bytes_per_request", "producer_request_timeout"),
    *("producer_request_limits_messages_per_request", "schema_registry", "security"),
    *("producer_request_retries_backoff_timeout", "producer_request_retries_max_attempts"),
    *("timeout", "topic"),
}


def test_it_has_kongs_fields_and_no_others() -> None:
    assert set(checked("kafka-log", topic="t")) == _FIELDS


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"topic": "a b"},
        {"topic": "t", "forward_body": True},
        {"topic": "t", "producer_async_health_gating": True},
        {"topic": "t", "authentication": {"mechanism": "PLAIN"}},
        {"topic": "t", "custom_fields_by_lua": {"a": "("}},
    ],
)
def test_what_is_not_its_own_or_cannot_work_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(SchemaViolation):
        checked("kafka-log", **config)


def test_waiting_for_kafka_is_warned_of() -> None:
    assert Config.model_validate({"topic": "t"}).warnings() == []
    (text,) = Config.model_validate({"topic": "t", "producer_async": False}).warnings()
    assert text.startswith("producer_async:")
