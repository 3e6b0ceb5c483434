# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from gateway.data_plane.master.exposition import Exposition
from gateway.data_plane.master.kafka_metrics import add_kafka
from gateway.kafka.topic_counts import TopicCounts
from gateway.plugins.request_metrics import SEPARATOR


def test_records_and_failures_are_shown_by_topic() -> None:
    orders, clicks = TopicCounts(), TopicCounts()
    orders.delivered(3, 300, 4000)
    orders.failed("_MSG_TIMED_OUT")
    text = Exposition()
    counters = {
        "topics": {"orders": orders.report(), "clicks": clicks.report()},
        "refusals": {"buffer_full": 2},
    }
    gauges = {
        "kafka": {"messages": 5, "bytes": 50, "limit_messages": 100, "limit_bytes": 1000},
        "producers": {f"k:9092{SEPARATOR}up": 1},
    }
    add_kafka(text, counters, gauges)
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text.text().decode())
        for sample in family.samples
    }
    assert found["kafka_gateway_records_total", "orders"] == 3
    assert found["kafka_gateway_records_total", "clicks"] == 0
    assert found["kafka_gateway_record_bytes_total", "orders"] == 300
    assert found["kafka_gateway_delivery_failures_total", "_MSG_TIMED_OUT", "orders"] == 1
    assert found["kafka_gateway_delivery_latency_ms_bucket", "2", "orders"] == 0
    assert found["kafka_gateway_delivery_latency_ms_bucket", "5", "orders"] == 3
    assert found["kafka_gateway_delivery_latency_ms_sum", "orders"] == 12
    assert found["kafka_gateway_refusals_total", "buffer_full"] == 2
    assert found["kafka_gateway_buffer_messages",] == 5
    assert found["kafka_gateway_buffer_limit_bytes",] == 1000
    assert found["kafka_gateway_producers", "k:9092", "up"] == 1
    assert found["kafka_gateway_producers", "down", "k:9092"] == 0
