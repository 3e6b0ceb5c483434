# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from gateway.http.messages import Request, Response
from gateway.kafka.written import WrittenRecords
from gateway.plugins.opentelemetry.spans import SpanWriter
from gateway.plugins.opentelemetry.trace import Trace
from tests.support.otlp import attributes
from tests.support.requests import request_of


def traced(target: bytes = b"/") -> Request:
    request = request_of(target, host=b"api.test:8000")
    request.received = request.ended = monotonic()
    request.trace = trace = Trace(b"1" * 32, b"2" * 16, True)
    trace.root = b"3" * 16
    return request


def test_the_spans_of_many_requests_are_one_message() -> None:
    writer = SpanWriter({"service.name": "kong"})
    entries = [writer.write(traced(), Response(200, [])) for _ in range(3)]
    message = ExportTraceServiceRequest.FromString(writer.export(entries))
    (resource,) = message.resource_spans
    (scope,) = resource.scope_spans
    assert [span.name for span in scope.spans] == ["kong"] * 3
    assert scope.scope.name == "kafka-gateway"
    assert attributes(resource.resource) == {"service.name": "kong"}


def test_records_are_a_producers_span_whose_id_they_carry() -> None:
    request = traced()
    request.trace.topics = ("orders", "audit")
    request.waiting_since = request.received
    writer = SpanWriter({})
    entry = writer.write(request, Response(502, []))
    message = ExportTraceServiceRequest.FromString(writer.export([entry]))
    root, sent = message.resource_spans[0].scope_spans[0].spans
    assert sent.name == "send orders"
    assert sent.kind == sent.SPAN_KIND_PRODUCER
    assert sent.span_id.hex() == "2" * 16
    assert sent.parent_span_id == root.span_id
    assert root.status.code == sent.status.code == 2
    assert attributes(sent) == {
        "messaging.system": "kafka",
        "messaging.destination.name": "orders,audit",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
    }


def spans_of(writer: SpanWriter, *entries: bytes) -> list[Span]:
    message = ExportTraceServiceRequest.FromString(writer.export(list(entries)))
    return list(message.resource_spans[0].scope_spans[0].spans)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_an_attribute_is_read_as_it_was_written(name: str) -> None:
    request = traced()
    request.consumer = {"username": name, "id": "1"}
    writer = SpanWriter({"service.name": "s" * 300})
    (root,) = spans_of(writer, writer.write(request, Response(200, [])))
    found = attributes(root)
    assert found["kong.auth.consumer.name"] == name
    assert found["kong.request.id"] == request.id.decode()
    assert found["http.status_code"] == 200


def test_a_record_is_followed_to_its_place_and_its_span_ends_there() -> None:
    request = traced()
    request.trace.topics = ("orders",)
    request.trace.written = written = WrittenRecords(1)
    later: list[bytes] = []
    writer = SpanWriter({})
    entry = writer.write(request, Response(200, []), later.append)
    assert [span.name for span in spans_of(writer, entry)] == ["kong"]
    written.take("orders", 3, 41, "")
    (sent,) = spans_of(writer, *later)
    assert attributes(sent)["messaging.destination.partition.id"] == "3"
    assert attributes(sent)["messaging.kafka.offset"] == 41
    assert sent.span_id.hex() == "2" * 16
    again = spans_of(writer, writer.write(request, Response(200, []), later.append))
    assert [span.name for span in again] == ["kong", "send orders"], "it is known by now"
    assert (len(later), again[1].end_time_unix_nano > 0) == (1, True)


def test_a_buffered_record_that_is_lost_is_a_failed_span() -> None:
    request = traced()
    request.trace.topics = ("orders",)
    request.trace.written = written = WrittenRecords(1)
    later: list[bytes] = []
    writer = SpanWriter({})
    writer.write(request, Response(200, []), later.append)
    written.take("orders", -1, -1, "_MSG_TIMED_OUT")
    (sent,) = spans_of(writer, *later)
    assert sent.status.code == 2
    assert attributes(sent)["error.type"] == "_MSG_TIMED_OUT"
    assert "messaging.kafka.offset" not in attributes(sent)


def test_several_topics_have_no_one_place() -> None:
    request = traced()
    request.trace.topics = ("orders", "audit")
    request.trace.written = written = WrittenRecords(2)
    written.take("orders", 0, 1, "")
    written.take("audit", 0, 1, "")
    writer = SpanWriter({})
    _, sent = spans_of(writer, writer.write(request, Response(200, []), lambda _: None))
    assert "messaging.kafka.offset" not in attributes(sent)


def test_a_response_that_does_not_wait_for_kafka_any_more_is_told_at_once() -> None:
    request = traced()
    request.trace.topics = ("orders",)
    request.trace.written = WrittenRecords(1)
    writer = SpanWriter({})
    spans = spans_of(writer, writer.write(request, Response(504, []), lambda _: None))
    assert [span.status.code for span in spans] == [2, 2]


@pytest.mark.parametrize("size", [0, 1, 40, 99, 100, 101, 127, 128, 300, 16_383, 16_384, 70_000])
def test_attributes_of_any_length_come_back(size: int) -> None:
    requests = [traced(b"/" + letter * size) for letter in (b"a", b"b", b"a")]
    writer = SpanWriter({})
    entries = [writer.write(one, Response(204, [])) for one in requests]
    message = ExportTraceServiceRequest.FromString(writer.export(entries))
    spans = message.resource_spans[0].scope_spans[0].spans
    for span, request in zip(spans, requests, strict=True):
        found = attributes(span)
        assert found["http.url"] == "http://api.test:8000" + request.target.decode()
        assert found["kong.request.id"] == request.id.decode()
        assert found["http.status_code"] == 204
        assert span.kind == span.SPAN_KIND_SERVER
        assert span.trace_id.hex() == "1" * 32
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        assert not span.HasField("status")
