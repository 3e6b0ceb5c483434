# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from gateway.plugins.opentelemetry.process_spans import NO_SPANS, ProcessSpans
from gateway.settings.tracing import TracingSettings
from tests.support.otlp import attributes, receiving
from tests.support.waiting import PATIENCE

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


async def test_a_span_is_sent_when_it_has_ended_and_only_once() -> None:
    with receiving() as receiver:
        settings = TracingSettings(
            traces_endpoint=receiver.url,
            traces_headers={"api-key": "x"},
            traces_resource_attributes={"team": "gateway"},
        )
        spans = ProcessSpans(settings, "service", "node-1")
        parent = spans.begin("outer", attributes={"text": "a", "number": 7})
        child = spans.begin("inner", kind="client", parent=parent.traceparent)
        child.end("it broke")
        child.end("again")
        parent.end()
        await asyncio.wait_for(spans.close(), PATIENCE)
    found = {span.name: span for span in receiver.spans}
    assert len(receiver.spans) == 2
    outer, inner = found["outer"], found["inner"]
    assert (inner.trace_id, inner.parent_span_id) == (outer.trace_id, outer.span_id)
    assert (inner.kind, inner.status.message) == (inner.SPAN_KIND_CLIENT, "it broke")
    assert attributes(outer) == {"text": "a", "number": 7}
    headers, message = receiver.requests[0]
    assert headers["api-key"] == "x"
    resource = attributes(message.resource_spans[0].resource)
    assert resource["service.name"] == "service"
    assert resource["service.instance.id"] == "node-1"
    assert resource["team"] == "gateway"


@pytest.mark.parametrize(
    ("parent", "trace", "above"),
    [
        (f"00-{TRACE}-{CALLER}-01", TRACE, CALLER),
        (f" 00-{TRACE}-{CALLER}-03 ", TRACE, CALLER),
        ("", None, ""),
        ("nonsense", None, ""),
        (f"00-{'0' * 32}-{CALLER}-01", None, ""),
    ],
)
def test_a_parent_that_is_none_begins_a_trace(parent: str, trace: str | None, above: str) -> None:
    spans = ProcessSpans(TracingSettings(traces_endpoint="http://127.0.0.1:9"), "s", "i")
    number, own, before = spans.begin("name", parent=parent).ids
    assert before.decode() == above
    assert number.decode() == trace or trace is None
    assert (len(number), len(own)) == (32, 16)


async def test_nothing_is_kept_or_passed_on_without_a_receiver() -> None:
    span = NO_SPANS.begin("name")
    assert span.traceparent == ""
    span.end()
    await NO_SPANS.close()


async def test_spans_that_no_receiver_takes_are_counted() -> None:
    with receiving() as receiver:
        receiver.statuses = [400]
        spans = ProcessSpans(TracingSettings(traces_endpoint=receiver.url), "s", "i")
        spans.begin("name").end()
        await asyncio.wait_for(spans.close(), PATIENCE)
    assert list(spans.counts.report()["dropped"].values()) == [{"refused": 1}]


def test_a_process_that_records_nothing_does_not_load_protobuf() -> None:
    code = (
        "import sys\nfrom gateway.plugins.opentelemetry.process_spans import NO_SPANS\n"
        "NO_SPANS.begin('x').end()\nassert 'google' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
