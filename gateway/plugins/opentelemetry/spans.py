# SPDX-License-Identifier: Apache-2.0
"""The spans of a request, as OTLP's messages have them.

Names and attributes are Kong's where it has them (``kong/observability/tracing/instrumentation``);
those of records are OpenTelemetry's semantic conventions for messaging.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
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

Later = Callable[[bytes], None]
"""Takes a span that is known only after the response."""

_SECOND = 1_000_000_000
_LONG = 64
"""Characters of values that are not kept."""
_BYTES = 2
"""The wire type of what has a length."""
_RESOURCE_SPANS = ExportTraceServiceRequest.RESOURCE_SPANS_FIELD_NUMBER << 3 | _BYTES
_SCOPE_SPANS = ResourceSpans.SCOPE_SPANS_FIELD_NUMBER << 3 | _BYTES
_SPANS = ScopeSpans.SPANS_FIELD_NUMBER << 3 | _BYTES
_ATTRIBUTES = Span.ATTRIBUTES_FIELD_NUMBER << 3 | _BYTES
_KEY = KeyValue.KEY_FIELD_NUMBER << 3 | _BYTES
_VALUE = KeyValue.VALUE_FIELD_NUMBER << 3 | _BYTES
_STRING = AnyValue.STRING_VALUE_FIELD_NUMBER << 3 | _BYTES
_REQUEST_ID = "kong.request.id"
"""No two requests have the same: to keep its text would only push others out."""
_FAILED = Status(code=Status.STATUS_CODE_ERROR)


class _Clock:
    """Monotonic seconds to nanoseconds since 1970; ``ended``: when the response was out."""

    def __init__(self, ended: float) -> None:
        self._offset = time_ns() - int(monotonic() * _SECOND)
        self.ended = self.at(ended)

    def at(self, seconds: float) -> int:
        return self._offset + int(seconds * _SECOND)


class SpanWriter:
    """Makes the spans of requests, and of many the message that is sent."""

    def __init__(self, attributes: Mapping[str, str]) -> None:
        resource = Resource(attributes=_attributes(attributes))
        scope = InstrumentationScope(name="kafka-gateway", version=__version__)
        self._resource = ResourceSpans(resource=resource).SerializeToString()
        self._scope = ScopeSpans(scope=scope).SerializeToString()

    def write(self, request: Request, response: Response, later: Later | None = None) -> bytes:
        """Return the spans of a request whose response is out, for ``export``.

        ``later`` takes the span of a record that Kafka is still to acknowledge.
        """
        trace: Trace = request.trace
        clock = _Clock(request.ended)
        spans = [_root(request, response, trace, clock), *_waits(request, trace, clock)]
        if request.tries:
            spans += _upstream(request, trace, clock)
        elif trace.topics:
            since = request.waiting_since
            begun = clock.ended if since is None else clock.at(since)
            if response.status >= 400 and trace.written and not trace.written.problem:
                trace.written = None  # it was not sent, or nobody waits for it any more
            written = trace.written
            failed = response.status >= 500
            if written is None or later is None or written.settled:
                spans.append(_produced(trace, clock, begun, failed=failed))
            else:

                def settled() -> None:
                    later(_within(_SPANS, _produced(trace, clock, begun, failed=False)))

                written.on_settled = settled
        return b"".join([_within(_SPANS, span) for span in spans])

    def export(self, entries: list[bytes]) -> bytes:
        """Return the message with the spans of many requests."""
        # Messages one after the other are one message: repeated fields add up.
        spans = b"".join((self._scope, *entries))
        return _within(_RESOURCE_SPANS, self._resource + _within(_SCOPE_SPANS, spans))


def _root(request: Request, response: Response, trace: Trace, clock: _Clock) -> bytes:
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
        _REQUEST_ID: request.id.decode(),
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
    return _span(
        trace.number,
        "kong",
        (clock.at(request.received), clock.ended),
        attributes,
        kind=Span.SPAN_KIND_SERVER,
        own=trace.root,
        parent=trace.parent,
        failed=response.status >= 500,
    )


def _waits(request: Request, trace: Trace, clock: _Clock) -> list[bytes]:
    """Return a span for each policy that had to wait for something."""
    return [
        _span(
            trace.number,
            f"kong.access.plugin.{name}",
            (clock.at(since), clock.at(until)),
            {},
            kind=Span.SPAN_KIND_INTERNAL,
            parent=trace.root,
        )
        for name, since, until in request.waits
    ]


def _upstream(request: Request, trace: Trace, clock: _Clock) -> list[bytes]:
    """Return a span for each attempt at the upstream; the last has the id that went there."""
    tries = request.tries or []
    spans = []
    for number, row in enumerate(tries, 1):
        last = number == len(tries)
        begun = row["balancer_start_ns"]
        ended = clock.ended if last else tries[number]["balancer_start_ns"]
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
        span = _span(
            trace.number,
            "kong.balancer",
            (begun, max(ended, begun)),
            attributes,
            kind=Span.SPAN_KIND_CLIENT,
            own=trace.span if last else b"",
            parent=trace.root,
            failed="code" in row,
        )
        spans.append(span)
    return spans


def _produced(trace: Trace, clock: _Clock, begun: int, *, failed: bool) -> bytes:
    """Return the span of the records that a request became; its id is in their headers.

    It ends when Kafka has acknowledged them, where that is known.
    """
    topics, written = trace.topics, trace.written
    ended, place, problem = clock.ended, b"", ""
    if written is not None and written.settled:
        begun, ended = min(begun, clock.at(written.since)), clock.at(written.until)
        problem = written.problem
        if len(topics) == len(written.places) == 1:
            _, partition, offset = written.places[0]
            place = _one("messaging.destination.partition.id", str(partition))
            place += _one("messaging.kafka.offset", offset)
    attributes: dict[str, str | int] = {
        "messaging.system": "kafka",
        "messaging.destination.name": ",".join(topics),
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "error.type": problem,
    }
    span = _span(
        trace.number,
        f"send {topics[0]}",
        (begun, ended),
        attributes,
        kind=Span.SPAN_KIND_PRODUCER,
        own=trace.span,
        parent=trace.root,
        failed=failed or bool(problem),
    )
    return span + place


def _span(
    number: bytes,
    name: str,
    times: tuple[int, int],
    attributes: Mapping[str, str | int],
    *,
    kind: Span.SpanKind.ValueType,
    own: bytes = b"",
    parent: bytes,
    failed: bool = False,
) -> bytes:
    """Return a span; ids are in hex, and ``own`` is drawn where it is empty."""
    made = Span(
        trace_id=_binary(number),
        span_id=_binary(own) or (getrandbits(64) or 1).to_bytes(8, "big"),
        parent_span_id=_binary(parent),
        name=name,
        kind=kind,
        start_time_unix_nano=times[0],
        end_time_unix_nano=times[1],
        status=_FAILED if failed else None,
    )
    # Messages one after the other are one message; most attributes are those of other spans too.
    parts = [
        _one(key, value) if key == _REQUEST_ID or len(str(value)) >= _LONG else _kept(key, value)
        for key, value in attributes.items()
    ]
    return made.SerializeToString() + b"".join(parts)


def _one(key: str, value: str | int) -> bytes:
    """Return one attribute as a span has it; nothing where it is empty."""
    if value == "":
        return b""
    if isinstance(value, str):
        text = _within(_STRING, value.encode())
        return _within(_ATTRIBUTES, _within(_KEY, key.encode()) + _within(_VALUE, text))
    (made,) = _attributes({key: value})
    return _within(_ATTRIBUTES, made.SerializeToString())


_kept = lru_cache(maxsize=1024)(_one)


def _within(tag: int, message: bytes) -> bytes:
    """Return a message as a field of another: tag, length, content (protobuf's encoding)."""
    size = len(message)
    if size < 0x80:
        return bytes((tag, size)) + message
    length = bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes((tag, *length, size)) + message


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
