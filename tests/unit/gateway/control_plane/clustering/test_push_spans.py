# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

from gateway.control_plane.clustering.data_planes import DataPlane
from gateway.control_plane.clustering.push import Push
from gateway.control_plane.clustering.push_spans import PushSpans
from gateway.hybrid.extensions import read_push
from gateway.plugins.opentelemetry.process_spans import NO_SPANS, ProcessSpans
from gateway.settings.tracing import TracingSettings
from tests.support.otlp import receiving
from tests.support.waiting import PATIENCE

PUSH = Push(hash="0" * 32, payload=b"", plugins={})


async def test_a_push_that_another_one_overtakes_ends_before_it() -> None:
    with receiving() as receiver:
        spans = ProcessSpans(TracingSettings(traces_endpoint=receiver.url), "s", "i")
        pushes = PushSpans(spans, DataPlane("id", hostname="node"))
        pushes.continued = True
        ahead = read_push(pushes.begin(PUSH))
        pushes.begin(PUSH)
        pushes.end()
        pushes.end("too late")
        await asyncio.wait_for(spans.close(), PATIENCE)
    first, second = receiver.spans
    assert first.status.message == "another configuration was sent before it responded"
    assert ahead.traceparent == f"00-{first.trace_id.hex()}-{first.span_id.hex()}-01"
    assert not second.status.message


def test_nothing_goes_ahead_to_those_that_do_not_record_or_where_nothing_is_recorded() -> None:
    recorded = ProcessSpans(TracingSettings(traces_endpoint="http://127.0.0.1:9"), "s", "i")
    assert PushSpans(recorded, DataPlane("id")).begin(PUSH) == b""
    silent = PushSpans(NO_SPANS, DataPlane("id"))
    silent.continued = True
    assert silent.begin(PUSH) == b""
