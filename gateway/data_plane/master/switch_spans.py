# SPDX-License-Identifier: Apache-2.0
"""The spans of a node's switches, each below the push of a control plane of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gateway.data_plane.master.intake import ReleaseIntake
from gateway.plugins.opentelemetry.process_spans import ProcessSpans

APPLY = "kafka_gateway.apply"


@dataclass(frozen=True)
class ReceivedFrame:
    """A frame of the control plane, and the ``traceparent`` that came ahead of it, if one did."""

    content: bytes
    traceparent: str = ""


class SwitchSpans:
    """Records how a node takes over what a frame holds."""

    def __init__(self, spans: ProcessSpans, node: str) -> None:
        self.enabled = spans.enabled
        self._spans = spans
        self._node = node

    @asynccontextmanager
    async def taking(self, frame: ReceivedFrame, intake: ReleaseIntake) -> AsyncIterator[None]:
        """Record what happens within, unless the node goes on serving what it served."""
        if not self.enabled:
            yield
            return
        before = intake.hash_in_force
        span = self._spans.begin(APPLY, kind="server", parent=frame.traceparent)
        span.attributes["kafka_gateway.node.id"] = self._node
        try:
            yield
        except Exception as error:
            span.end(str(error) or type(error).__name__)
            raise
        finally:
            span.attributes["kafka_gateway.release.hash"] = intake.hash_in_force
        if intake.hash_in_force != before:
            span.end()

    async def close(self) -> None:
        """Send what waits."""
        await self._spans.close()
