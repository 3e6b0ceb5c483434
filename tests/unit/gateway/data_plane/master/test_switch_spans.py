# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.data_plane.master.switch_spans import APPLY, ReceivedFrame, SwitchSpans
from gateway.errors import ReleaseRefused
from gateway.plugins.opentelemetry.process_spans import ProcessSpans
from gateway.settings.tracing import TracingSettings
from tests.support.otlp import attributes, receiving
from tests.support.waiting import PATIENCE

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
FRAME = ReceivedFrame(b"", f"00-{TRACE}-{PARENT}-01")


async def test_a_switch_is_recorded_and_a_frame_that_changes_nothing_is_not() -> None:
    intake: Any = SimpleNamespace(hash_in_force="before")
    with receiving() as receiver:
        settings = TracingSettings(traces_endpoint=receiver.url)
        spans = SwitchSpans(ProcessSpans(settings, "s", "i"), "node-1")
        async with spans.taking(FRAME, intake):
            pass
        async with spans.taking(FRAME, intake):
            intake.hash_in_force = "after"
        with pytest.raises(ReleaseRefused):
            async with spans.taking(FRAME, intake):
                raise ReleaseRefused(["no such topic"])
        await asyncio.wait_for(spans.close(), PATIENCE)
    switched, refused = receiver.spans
    for span in (switched, refused):
        assert (span.name, span.trace_id.hex()) == (APPLY, TRACE)
        assert span.parent_span_id.hex() == PARENT
    assert attributes(switched)["kafka_gateway.release.hash"] == "after"
    assert not switched.status.message
    assert "no such topic" in refused.status.message
