# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.settings.settings import Settings, env_name


def test_the_page_shows_no_records_unless_a_kafka_is_named() -> None:
    assert Settings.parse({}).page_kafka is None
    found = Settings.parse({"page_kafka": "kafka.internal:9092", "page_kafka_user": "reader"})
    assert (found.page_kafka, found.page_kafka_user) == ("kafka.internal:9092", "reader")
    assert env_name("page_kafka") == "KAFKA_GATEWAY_PAGE_KAFKA"
