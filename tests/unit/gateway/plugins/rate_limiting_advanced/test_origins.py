# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from gateway.kafka.pool import ProducerPool
from gateway.plugins.base import PluginContext
from gateway.plugins.rate_limiting_advanced.origins import CombinedOrigins
from gateway.plugins.rate_limiting_advanced.schema import Config
from tests.support.requests import request_of


def origins(**config: Any) -> CombinedOrigins:
    pool: ProducerPool = None  # type: ignore[assignment]  # no plugin here writes records
    given = Config.model_validate({"limit": [1], "window_size": [60], **config})
    return CombinedOrigins(given, PluginContext(pool, lambda _: None))


def test_several_identifiers_count_together() -> None:
    found = origins(compound_identifier=["consumer", "ip"])
    request = request_of()
    anonymous = found.of(request)
    request.consumer = {"id": "ann", "username": "Ann"}
    assert found.of(request) == "12:consumer:ann;9:127.0.0.1;"
    assert anonymous == "9:127.0.0.1;9:127.0.0.1;"


def test_no_set_of_values_reads_as_another() -> None:
    found = origins(compound_identifier=["header", "ip"], header_name="x-a")
    one = request_of(headers=[(b"x-a", b"9;9:127.0.0.1")])
    assert found.of(one) != found.of(request_of(headers=[(b"x-a", b"9")]))


def test_a_consumer_may_be_counted_by_another_field() -> None:
    request = request_of()
    request.consumer = {"id": "1", "username": "ann", "custom_id": None}
    assert origins(counter_key="consumer.username").of(request) == "consumer-username:ann"
    assert origins(counter_key="consumer.custom_id").of(request) == "consumer:1"
    assert origins().of(request) == "consumer:1"


def test_long_origins_are_kept_short() -> None:
    found = origins(compound_identifier=["header"] * 20, header_name="x-a")
    origin = found.of(request_of(headers=[(b"x-a", b"a" * 60)]))
    assert origin.startswith("digest:")
    assert len(origin) < 64
