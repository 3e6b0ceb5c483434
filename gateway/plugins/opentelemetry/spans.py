# SPDX-License-Identifier: Apache-2.0
"""The spans of a request, as OTLP's messages have them.

Names and attributes are Kong's where it has them (``kong/observability/tracing/instrumentation``);
those of records are OpenTelemetry's semantic conventions for messaging.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import getrandbits
from time import monotonic, time_ns
from typing import Any

from gateway import __version__
from gateway.http.messages import Request, Response
from gateway.plugins.opentelemetry.trace import Trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

_SECOND = 1_000_000_000
_FAILED = Status(code=Status.STATUS_CODE_ERROR)


class _Clock:
    """Monotonic seconds to nanoseconds since 1970."""

    def __init__(self) -> None:
        self.now = time_ns()
        self._offset = self.now - int(monotonic() * _SECOND)

    def at(self, seconds: float) -> int:
        return self._offset + int(seconds * _SECOND)


class SpanWriter:
    """Makes the spans of requests, and of many the message that is sent."""

    def __init__(self, attributes: Mapping[str, str]) -> None:
        self._resource = Resource(attributes=_attributes(attributes))
        self._scope = InstrumentationScope(name="kafka-gateway", version=__version__)

    def write(self, request: Request, response: Response) -> bytes:
        """Return the spans of a request whose response is out, for ``export``."""
        trace: Trace = request.trace
        clock = _Clock()
        spans = [_root(request, response, trace, clock)]
        spans += _waits(request, trace, clock)
        if request.tries:
            spans += _upstream(request, trace, clock)
        elif trace.topics:
            spans += _produced(request, response, trace, clock)
        return ScopeSpans(spans=spans).SerializeToString()

    def export(self, entries: list[bytes]) -> bytes:
        """Return the message with the spans of many requests."""
        scope = ScopeSpans()
        # Messages one after the other are one message: repeated fields add up.
        scope.MergeFromString(b"".join(entries))
        scope.scope.CopyFrom(self._scope)
        found = ResourceSpans(resource=self._resource, scope_spans=[scope])
        return ExportTraceServiceRequest(resource_spans=[found]).SerializeToString()


def _root(request: Request, response: Response, trace: Trace, clock: _Clock) -> Span:
    """Return the span of the whole request."""
    host = _text(request.host or b"")
    scheme = request.forwarded_proto
    target = _text(request.original_target or request.target)
    attributes: dict[str, str | int] = {
        "http.method": _text(request.method),
        # The query stays out: it is where clients put keys.
        "http.url": f"{scheme}://{host}{target.partition('?')[0]}",
        "http.host": host.partition(":")[0],
        "http.scheme": scheme,
        "http.flavor": request.version,
        "http.client_ip": request.client_ip,
        "net.peer.ip": request.connection.peer[0],
        "kong.request.id": request.id.decode(),
        "http.status_code": response.status,
    }
    match = request.match
    if match is not None:
        paths = match.route.get("paths")
        if paths:
            attributes["http.route"] = paths[0]
        attributes["kong.route.name"] = str(match.route.get("name") or match.route["id"])
    if request.consumer is not None:
        attributes["kong.auth.consumer.name"] = str(
            request.consumer.get("username") or request.consumer["id"]
        )
    span = _span(trace, "kong", clock.at(request.received), clock.now, attributes)
    span.span_id = _binary(trace.root)
    span.parent_span_id = _binary(trace.parent)
    span.kind = Span.SPAN_KIND_SERVER
    if response.status >= 500:
        span.status.CopyFrom(_FAILED)
    return span


def _waits(request: Request, trace: Trace, clock: _Clock) -> list[Span]:
    """Return a span for each policy that had to wait for something."""
    spans = []
    for name, since, until in request.waits:
        found = _span(trace, f"kong.access.plugin.{name}", clock.at(since), clock.at(until), {})
        found.kind = Span.SPAN_KIND_INTERNAL
        spans.append(found)
    return spans


def _upstream(request: Request, trace: Trace, clock: _Clock) -> list[Span]:
    """Return a span for each attempt at the upstream; the last has the id that went there."""
    tries = request.tries or []
    spans = []
    for number, row in enumerate(tries, 1):
        last = number == len(tries)
        begun = row["balancer_start_ns"]
        ended = clock.now if last else tries[number]["balancer_start_ns"]
        if last and request.upstream_status is not None:
            ended = clock.at(request.upstream_sent + request.upstream_ms / 1000)
        attributes: dict[str, str | int] = {"try_count": number, "net.peer.port": row["port"]}
        if "ip" in row:
            attributes["net.peer.ip"] = row["ip"]
        code = row.get("code") or (request.upstream_status if last else None)
        if code is not None:
            attributes["http.status_code"] = code
        service = request.match.service if request.match is not None else None
        if service is not None:
            attributes["net.peer.name"] = str(service["host"])
        span = _span(trace, "kong.balancer", begun, max(ended, begun), attributes)
        span.kind = Span.SPAN_KIND_CLIENT
        if last:
            span.span_id = _binary(trace.span)
        if "code" in row:
            span.status.CopyFrom(_FAILED)
        spans.append(span)
    return spans


def _produced(request: Request, response: Response, trace: Trace, clock: _Clock) -> list[Span]:
    """Return the span of the records that a request became; its id is in their headers."""
    since = request.waiting_since
    begun = clock.now if since is None else clock.at(since)
    topics = trace.topics
    attributes: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.destination.name": ",".join(topics),
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
    }
    span = _span(trace, f"send {topics[0]}", begun, clock.now, attributes)
    span.kind = Span.SPAN_KIND_PRODUCER
    span.span_id = _binary(trace.span)
    if response.status >= 500:
        span.status.CopyFrom(_FAILED)
    return [span]


def _span(
    trace: Trace, name: str, begun: int, ended: int, attributes: Mapping[str, str | int]
) -> Span:
    return Span(
        trace_id=_binary(trace.number),
        span_id=(getrandbits(64) or 1).to_bytes(8, "big"),
        parent_span_id=_binary(trace.root),
        name=name,
        start_time_unix_nano=begun,
        end_time_unix_nano=ended,
        attributes=_attributes(attributes),
    )


def _attributes(values: Mapping[str, Any]) -> list[KeyValue]:
    return [
        KeyValue(
            key=key,
            value=AnyValue(int_value=value)
            if isinstance(value, int)
            else AnyValue(string_value=value),
        )
        for key, value in values.items()
        if value != ""
    ]


def _text(value: bytes) -> str:
    return value.decode("latin-1")


def _binary(number: bytes) -> bytes:
    return bytes.fromhex(number.decode())
