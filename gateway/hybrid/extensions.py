# SPDX-License-Identifier: Apache-2.0
"""What our control plane and our data planes tell each other beside Kong's hybrid protocol.

The control plane names what it takes in a header of the upgrade's response; a data plane sends
nothing of it to one that does not, Kong's among them. Messages are JSON in binary frames; those of
a control plane are told from configurations by their first byte, as these are compressed.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from gateway.errors import ClusterError

HEADER = b"x-kafka-gateway-extensions"
"""In the response to the upgrade: names, separated by commas."""
REPORTS = "reports"
"""The control plane takes ``TrafficReport``."""
TRACES = "traces"
"""The control plane records pushes: it sends ``TracedPush`` before one to those that greet so."""

REPORT, TRY, TRACE = "kafka_gateway_report", "kafka_gateway_try", "kafka_gateway_trace"
PUSH = "kafka_gateway_push"
"""Types of messages."""
LONGEST_BODY = 65_536
"""Bytes of a body in a request that is tried, and of one in its trace."""

_MOST = 20_000
"""Routes or topics in one report."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""How many: as much as a float holds exactly."""
Place = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]
"""A partition or an offset; -1: none."""
Status = Annotated[int, msgspec.Meta(ge=0, le=999)]
"""Of HTTP; 0: there was no response."""
_BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""How reading JSON ends that is none, is no text, or is nested too deep."""


class RouteTraffic(msgspec.Struct, array_like=True):
    """What came in on one route since the last report."""

    service: str
    route: str
    requests: Count
    refused: Count
    """Of those, responses 4xx."""
    failed: Count
    """And 5xx."""
    latency: list[Count]
    """Responses by time, in the buckets of the data plane's own histogram."""


class TopicTraffic(msgspec.Struct, array_like=True):
    """What was written to one topic since the last report."""

    topic: str
    records: Count
    bytes: Count
    failures: Count
    latency: list[Count]
    """Records by the time until Kafka acknowledged them."""


class TrafficReport(msgspec.Struct, tag=REPORT, tag_field="type"):
    """What a node's workers counted since the report before; without routes that had no traffic."""

    seconds: float
    """Since that one."""
    version: str
    workers: Count
    ready: Count
    buffered: Count
    """Records in producers' buffers or on their way."""
    buffer: Count
    """Records that fit into them."""
    routes: list[RouteTraffic]
    topics: list[TopicTraffic]
    traces: bool = False
    """Requests may be tried on this node."""


class TriedRequest(msgspec.Struct, tag=TRY, tag_field="type"):
    """A request that a data plane is to serve, and to tell what it did."""

    id: str
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    client: str = ""
    """The address of who tries it, which is the client's; empty where nobody knows it."""
    routes: list[str] | None = None
    """The ids of the routes it may be for; None: of all."""


class TracedPush(msgspec.Struct, tag=PUSH, tag_field="type"):
    """The trace to which the switch to the configuration that comes next belongs."""

    traceparent: str


class TracedStep(msgspec.Struct):
    """One policy that was run."""

    name: str
    milliseconds: float
    outcome: str


class TracedRecord(msgspec.Struct):
    """What became of one record; ``partition`` and ``offset`` are -1 where it was not written."""

    topic: str
    partition: Place
    offset: Place
    error: str = ""


class RequestTrace(msgspec.Struct, tag=TRACE, tag_field="type"):
    """What became of a request that was tried."""

    id: str
    error: str = ""
    """Why it was not served at all."""
    route: str = ""
    service: str = ""
    consumer: str = ""
    steps: list[TracedStep] = []
    records: list[TracedRecord] = []
    status: Status = 0
    response: bytes = b""
    """The response as it came, its body cut to ``LONGEST_BODY``."""
    milliseconds: float = 0.0


_decoder = msgspec.json.Decoder(TrafficReport)
_encoder = msgspec.json.Encoder()


def encode(message: msgspec.Struct) -> bytes:
    """Write a message."""
    return _encoder.encode(message)


def type_of(frame: bytes) -> str:
    """Return the type that a JSON message names; empty when it names none."""
    try:
        found: Any = msgspec.json.decode(frame, type=dict[str, msgspec.Raw]).get("type")
        return "" if found is None else msgspec.json.decode(found, type=str)
    except _BROKEN:
        return ""


def read_trace(frame: bytes) -> RequestTrace:
    """Read a trace; raises ``ClusterError`` when it is none."""
    try:
        return msgspec.json.decode(frame, type=RequestTrace)
    except _BROKEN as error:
        raise ClusterError(f"the data plane sent a trace that cannot be read: {error}") from None


def read_tried(frame: bytes) -> TriedRequest:
    """Read a request to be tried; raises ``ClusterError`` when it is none."""
    try:
        return msgspec.json.decode(frame, type=TriedRequest)
    except _BROKEN as error:
        raise ClusterError(f"the control plane sent what cannot be read: {error}") from None


def read_push(frame: bytes) -> TracedPush:
    """Read what is said of a push; raises ``ClusterError`` when it is none."""
    try:
        return msgspec.json.decode(frame, type=TracedPush)
    except _BROKEN as error:
        raise ClusterError(f"the control plane sent what cannot be read: {error}") from None


def read_report(frame: bytes) -> TrafficReport:
    """Read a report; raises ``ClusterError`` when it is none, or more than a node can have."""
    try:
        report = _decoder.decode(frame)
    except _BROKEN as error:
        raise ClusterError(f"the data plane sent a report that cannot be read: {error}") from None
    if len(report.routes) > _MOST or len(report.topics) > _MOST:
        raise ClusterError(f"the data plane reported on more than {_MOST} routes or topics")
    return report
