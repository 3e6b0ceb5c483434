# SPDX-License-Identifier: Apache-2.0
"""Spans of what a process of ours does by itself: a publish, a push, a switch.

Recorded where the settings name a receiver, and sent beside the work: what records never waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import getrandbits
from time import time_ns
from typing import TYPE_CHECKING, Literal

from gateway import __version__
from gateway.outgoing.client import HttpClient
from gateway.plugins.logging.counts import LogCounts
from gateway.plugins.logging.queue import BatchQueue, QueueLimits
from gateway.plugins.opentelemetry.formats import read_w3c, write_w3c
from gateway.plugins.opentelemetry.sending import SpanReceiver, SpanSender
from gateway.plugins.opentelemetry.trace import NO_PARENT, Trace
from gateway.settings.tracing import TracingSettings

if TYPE_CHECKING:
    from gateway.plugins.opentelemetry.spans import SpanWriter

_LIMITS = QueueLimits(batch=200, coalescing=0.5, entries=2000)
_TIMEOUT = 10.0
"""Seconds for one batch, as OTEL_EXPORTER_OTLP_TIMEOUT has it by default."""
_NAME = "traces of the gateway"

Kind = Literal["server", "client", "internal"]
Value = str | int


class OpenSpan:
    """A span that has begun. ``attributes`` may be added to until it ends."""

    def __init__(self, spans: ProcessSpans, name: str, kind: Kind, parent: str) -> None:
        context = read_w3c({b"traceparent": parent.strip()}) or NO_PARENT
        number = context.trace or b"%032x" % (getrandbits(128) or 1)
        # What is not recorded by the caller is not here either (W3C Trace Context section 3.3).
        self._trace = Trace(number, b"%016x" % (getrandbits(64) or 1), context.sampled is not False)
        self._trace.parent = context.span
        self.name = name
        self.kind = kind
        self.started = time_ns()
        self.ended = 0
        self.problem = ""
        self.attributes: dict[str, Value] = {}
        self._spans = spans

    @property
    def ids(self) -> tuple[bytes, bytes, bytes]:
        """The ids of trace, span and parent, in hex; the parent's is empty where it has none."""
        return self._trace.number, self._trace.span, self._trace.parent

    @property
    def traceparent(self) -> str:
        """What goes on to those that take part; empty where nothing is recorded."""
        return write_w3c(self._trace)[0][1].decode() if self._spans.enabled else ""

    def end(self, problem: str = "") -> None:
        """Have it sent; ``problem`` says why what it stands for failed. Once is enough."""
        if self.ended:
            return
        self.ended, self.problem = time_ns(), problem
        if self._trace.sampled:
            self._spans.add(self)


class ProcessSpans:
    """Records the spans of one process. Lives on its event loop."""

    def __init__(self, settings: TracingSettings, service: str, instance: str) -> None:
        self.enabled = settings.traces_endpoint is not None
        self._attributes = {
            "service.name": service,
            "service.instance.id": instance,
            "service.version": __version__,
            **settings.traces_resource_attributes,
        }
        headers, url = tuple(settings.traces_headers.items()), settings.traces_endpoint or ""
        receiver = SpanReceiver(url, headers, _TIMEOUT, settings.traces_ca)
        self._http = HttpClient()
        self._sender = SpanSender(self._http, receiver)
        self.counts = LogCounts()
        self._queue: BatchQueue | None = None
        self._writer: SpanWriter | None = None

    def begin(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        parent: str = "",
        attributes: Mapping[str, Value] | None = None,
    ) -> OpenSpan:
        """Begin a span below ``parent``, a ``traceparent``, or of a trace of its own."""
        span = OpenSpan(self, name, kind, parent)
        span.attributes.update(attributes or {})
        return span

    def add(self, span: OpenSpan) -> None:
        """Take a span that has ended."""
        if not self.enabled:
            return
        if self._queue is None:
            self._queue = BatchQueue(_NAME, _LIMITS, self._send, self.counts)
        self._queue.add(_written(span))

    async def close(self, within: float = 2.0) -> None:
        """Send what waits, within so many seconds."""
        if self._queue is not None:
            await self._queue.close(within)
        await self._http.close()

    async def _send(self, entries: list[bytes]) -> int:
        if self._writer is None:
            from gateway.plugins.opentelemetry.spans import SpanWriter

            self._writer = SpanWriter(self._attributes)
        if not await self._sender.send(self._writer.export(entries)):
            self.counts.dropped(_NAME, "refused", len(entries))
        return len(entries)


def _written(span: OpenSpan) -> bytes:
    """Return a span as ``SpanWriter.export`` takes it."""
    # Imported late: protobuf is large, and most processes record nothing.
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span, Status

    kinds = {
        "server": Span.SPAN_KIND_SERVER,
        "client": Span.SPAN_KIND_CLIENT,
        "internal": Span.SPAN_KIND_INTERNAL,
    }
    number, own, parent = (bytes.fromhex(one.decode()) for one in span.ids)
    values = {
        name: AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)
        for name, value in span.attributes.items()
    }
    failed = Status(code=Status.STATUS_CODE_ERROR, message=span.problem) if span.problem else None
    made = Span(
        trace_id=number,
        span_id=own,
        parent_span_id=parent,
        name=span.name,
        kind=kinds[span.kind],
        start_time_unix_nano=span.started,
        end_time_unix_nano=span.ended,
        attributes=[KeyValue(key=name, value=value) for name, value in values.items()],
        status=failed,
    )
    return ScopeSpans(spans=[made]).SerializeToString()


NO_SPANS = ProcessSpans(TracingSettings(), "", "")
"""Records nothing."""
