# SPDX-License-Identifier: Apache-2.0
"""One trace from a client through a whole node and a record's headers to a consumer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from gateway.plugins.opentelemetry.formats import READERS
from tests.support.broker import Broker
from tests.support.json_lines import lines_of
from tests.support.node import NodeProcess, running_node
from tests.support.otlp import Receiver, attributes, receiving
from tests.support.producing import on_broker
from tests.support.traffic import get
from tests.support.waiting import eventually

pytestmark = pytest.mark.kafka
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def topic(broker: Broker) -> str:
    return broker.topic()


@pytest.fixture(scope="module")
def node(
    tmp_path_factory: pytest.TempPathFactory, broker: Broker, topic: str, receiver: Receiver
) -> Iterator[NodeProcess]:
    folder = Path(tmp_path_factory.mktemp("tracing"))
    queue = {"max_coalescing_delay": 0}
    tracing = {"traces_endpoint": receiver.url, "sampling_rate": 1, "queue": queue}
    metrics = {"status_code_metrics": True, "latency_metrics": True}
    produce = on_broker(broker, topic, producer_async=False)
    buffered = on_broker(broker, topic, producer_async=True)
    off = {**produce, "headers": {"forward_http_headers_as_record_headers": False}}
    configuration = {
        "_format_version": "3.0",
        "services": [
            {
                "name": "gone",
                "url": "http://127.0.0.1:9",
                "retries": 0,
                "routes": [{"name": "gone", "paths": ["/gone"]}],
            }
        ],
        "routes": [
            {
                "name": "orders",
                "paths": ["/orders"],
                "plugins": [{"name": "kafka-upstream", "config": produce}],
            },
            {
                "name": "buffered",
                "paths": ["/buffered"],
                "plugins": [{"name": "kafka-upstream", "config": buffered}],
            },
            {
                "name": "off",
                "paths": ["/off"],
                "plugins": [{"name": "kafka-upstream", "config": off}],
            },
        ],
        "plugins": [
            {"name": "opentelemetry", "config": tracing},
            {"name": "prometheus", "config": metrics},
        ],
    }
    (folder / "kong.json").write_text(json.dumps(configuration))
    settings = {
        "KONG_DECLARATIVE_CONFIG": str(folder / "kong.json"),
        "KONG_NGINX_WORKER_PROCESSES": "1",
        "KONG_LUA_SSL_TRUSTED_CERTIFICATE": broker.ca_file,
        "KONG_PROXY_ACCESS_LOG": str(folder / "access.log"),
    }
    with running_node(folder, **settings) as running:
        yield running.ready()


def headers_of(record: Any) -> dict[str, str]:
    return {name: value.decode() for name, value in record.headers() or ()}


def test_one_trace_leads_from_the_client_to_the_consumer(
    node: NodeProcess, broker: Broker, topic: str, receiver: Receiver
) -> None:
    sent = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "vendor=1"}
    assert get(node.proxy, "/orders", sent).status == 200
    (record,) = broker.records(topic)
    found = headers_of(record)
    assert found["tracestate"] == "vendor=1"
    context = READERS["w3c"]({b"traceparent": found["traceparent"]})
    assert context is not None
    assert (context.trace.decode(), context.sampled) == (TRACE, True)
    (root,) = receiver.named("kong")
    (produced,) = receiver.named(f"send {topic}")
    assert root.parent_span_id.hex() == CALLER
    assert produced.parent_span_id == root.span_id
    assert produced.span_id.hex() == context.span.decode(), "the consumer's parent"
    assert {root.trace_id.hex(), produced.trace_id.hex()} == {TRACE}
    said = attributes(produced)
    assert said["messaging.destination.name"] == topic
    assert said["messaging.destination.partition.id"] == str(record.partition())
    assert said["messaging.kafka.offset"] == record.offset()
    assert root.start_time_unix_nano <= produced.start_time_unix_nano
    assert produced.end_time_unix_nano <= root.end_time_unix_nano

    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    metrics = get(node.status, "/metrics", accept).body.decode()
    assert f'# {{trace_id="{TRACE}"}}' in metrics
    assert f'kafka_gateway_records_total{{topic="{topic}"}} 1\n' in metrics
    where = 'service="",route="orders",workspace="default"'
    assert f"kong_upstream_latency_ms_count{{{where}}} 1\n" in metrics, "the wait for Kafka"


def test_records_have_no_context_where_no_header_is_to_go_on(
    node: NodeProcess, broker: Broker, topic: str
) -> None:
    before = broker.count(topic)
    assert get(node.proxy, "/off").status == 200
    assert headers_of(broker.records(topic, before + 1)[-1]) == {}


def test_the_lines_of_both_logs_name_the_trace_and_the_requests_span(
    node: NodeProcess, receiver: Receiver
) -> None:
    trace = "1" * 32
    sent = {"traceparent": f"00-{trace}-{CALLER}-01"}
    assert get(node.proxy, "/gone", sent).status == 502

    def lines(file: Path) -> list[dict[str, Any]]:
        return [line for line in lines_of(file) if line.get("trace_id") == trace]

    (access,) = eventually(lambda: lines(node.log.parent / "access.log"))
    (failed,) = eventually(lambda: lines(node.log))
    assert failed["event"] == "upstream failed"
    roots = eventually(lambda: [span for span in receiver.spans if span.trace_id.hex() == trace])
    root = next(span for span in roots if span.name == "kong")
    assert access["span_id"] == failed["span_id"] == root.span_id.hex()


def test_the_span_of_a_buffered_record_ends_when_kafka_has_it(
    node: NodeProcess, broker: Broker, topic: str, receiver: Receiver
) -> None:
    trace = "2" * 32
    before = broker.count(topic)
    sent = {"traceparent": f"00-{trace}-{CALLER}-01"}
    assert get(node.proxy, "/buffered", sent).status == 200
    record = broker.records(topic, before + 1)[-1]

    def produced() -> list[Span]:
        spans = [span for span in receiver.spans if span.trace_id.hex() == trace]
        return [span for span in spans if span.name == f"send {topic}"]

    (span,) = eventually(produced)
    assert attributes(span)["messaging.kafka.offset"] == record.offset()
    assert headers_of(record)["traceparent"].split("-")[2] == span.span_id.hex()
    (root,) = eventually(
        lambda: [one for one in receiver.spans if one.span_id == span.parent_span_id]
    )
    assert span.end_time_unix_nano > root.start_time_unix_nano
