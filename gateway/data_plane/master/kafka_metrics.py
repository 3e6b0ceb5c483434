# SPDX-License-Identifier: Apache-2.0
"""The metrics of records on their way to Kafka: by topic, which configurations name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.data_plane.master.exposition import Exposition, Series, labels
from gateway.kafka.topic_counts import BOUNDS
from gateway.plugins.request_metrics import SEPARATOR

_STATES = ("up", "down", "unknown")


def add_kafka(text: Exposition, counters: Mapping[str, Any], gauges: Mapping[str, Any]) -> None:
    """Add what producers counted, and how they are."""
    topics = sorted(counters.get("topics", {}).items())
    _add_topics(text, topics)
    text.family(
        "kafka_gateway_refusals_total",
        "counter",
        "Records not taken, by reason.",
        [(labels(reason=reason), n) for reason, n in sorted(counters.get("refusals", {}).items())],
    )
    for name, about in (
        ("messages", "Records buffered or on their way."),
        ("bytes", "Bytes of records buffered or on their way."),
        ("limit_messages", "Records that may be buffered, over all producers."),
        ("limit_bytes", "Bytes of records that may be buffered, over all producers."),
    ):
        value = gauges.get("kafka", {}).get(name, 0)
        text.one(f"kafka_gateway_buffer_{name}", "gauge", about, value)
    states = []
    counted = gauges.get("producers", {})
    for bootstrap in sorted({key.partition(SEPARATOR)[0] for key in counted}):
        for state in _STATES:
            number = counted.get(bootstrap + SEPARATOR + state, 0)
            states.append((labels(bootstrap=bootstrap, state=state), number))
    about = "Producers by what they know of their brokers: up, down, unknown."
    text.family("kafka_gateway_producers", "gauge", about, states)


def _add_topics(text: Exposition, topics: list[tuple[str, Any]]) -> None:
    text.family(
        "kafka_gateway_records_total",
        "counter",
        "Records that Kafka acknowledged, by topic.",
        [(labels(topic=topic), found["records"]) for topic, found in topics if topic],
    )
    text.family(
        "kafka_gateway_record_bytes_total",
        "counter",
        "Bytes of values, keys and headers of the records that Kafka acknowledged, by topic.",
        [(labels(topic=topic), found["bytes"]) for topic, found in topics if topic],
    )
    text.family(
        "kafka_gateway_delivery_failures_total",
        "counter",
        "Records taken and not written, by reason and topic; of some whose time had run out the "
        "topic is not known any more.",
        [
            (labels(reason=reason, topic=topic), number)
            for topic, found in topics
            for reason, number in sorted(found["failures"].items())
        ],
    )
    text.histograms(
        "kafka_gateway_delivery_latency_ms",
        "Milliseconds from a record's hand-over to its acknowledgement; a batch counts as its "
        "first record.",
        BOUNDS,
        [
            Series(labels(topic=topic), found["latency"], found["waited"])
            for topic, found in topics
            if any(found["latency"])
        ],
    )
