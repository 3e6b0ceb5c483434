# SPDX-License-Identifier: Apache-2.0
"""The spans of one session with a data plane: each configuration that it is sent."""

from __future__ import annotations

from gateway.control_plane.clustering.data_planes import DataPlane
from gateway.control_plane.clustering.push import Push
from gateway.hybrid.extensions import TracedPush, encode
from gateway.plugins.opentelemetry.process_spans import OpenSpan, ProcessSpans

SWITCH = "kafka_gateway.switch"


class PushSpans:
    """One span at a time, from sending a configuration to what the data plane says of it.

    ``continued``: the data plane records its own part, below ours.
    """

    def __init__(self, spans: ProcessSpans, node: DataPlane) -> None:
        self.continued = False
        self._spans = spans
        self._node = node
        self._open: OpenSpan | None = None

    def begin(self, push: Push) -> bytes:
        """Begin the span of a push; return the frame that goes ahead of it, empty for none."""
        self.end("another configuration was sent before it responded")
        if not self._spans.enabled:
            return b""
        attributes = {
            "kafka_gateway.node.id": self._node.id,
            "kafka_gateway.node.version": self._node.version,
            "server.address": self._node.hostname,
            "network.peer.address": self._node.ip,
            "kafka_gateway.release.hash": push.hash,
        }
        self._open = self._spans.begin(
            SWITCH, kind="client", parent=push.traceparent, attributes=attributes
        )
        return encode(TracedPush(self._open.traceparent)) if self.continued else b""

    def end(self, problem: str = "") -> None:
        """End the span under way, if there is one."""
        if self._open is not None:
            self._open.end(problem)
            self._open = None
