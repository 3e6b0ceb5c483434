# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.messages import Request
from gateway.kafka.pool import ProducerPool
from gateway.outgoing.client import HttpClient
from gateway.plugins.base import PluginContext
from gateway.plugins.logging.sinks import LogSinks
from gateway.plugins.opentelemetry import PLUGIN
from gateway.plugins.opentelemetry.handler import OpenTelemetry
from gateway.plugins.opentelemetry.passing import PassingTrace
from gateway.plugins.request_metrics import RequestMetrics
from tests.support.otlp import Receiver, attributes, receiving
from tests.support.policies import policy_gateway
from tests.support.requests import request_of

NAME = "opentelemetry"
T32, S = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"traceparent: 00-{T32}-{S}-01"


def config(receiver: Receiver, **more: Any) -> dict[str, Any]:
    return {"traces_endpoint": receiver.url, "sampling_rate": 1, **more}


async def traced(
    settings: dict[str, Any], *lines: str, plugins: Any = (), **more: Any
) -> tuple[int, list[str]]:
    """Ask once and have everything sent; return the status and what the upstream got."""
    logs = more.pop("logs", None) or LogSinks()
    async with (
        HttpClient() as http,
        policy_gateway(*plugins, (NAME, settings), logs=logs, http=http, **more) as gateway,
    ):
        response = await gateway.ask("/a?apikey=secret", *lines)
        await logs.close(10)
        return response.status, gateway.header("traceparent") if gateway.seen else []


async def test_a_request_is_a_span_whose_parent_is_the_clients() -> None:
    with receiving() as receiver:
        status, passed = await traced(config(receiver), PARENT)
        (root,) = receiver.named("kong")
        (upstream,) = receiver.named("kong.balancer")
    assert status == 200
    assert (root.trace_id.hex(), root.parent_span_id.hex()) == (T32, S)
    assert upstream.parent_span_id == root.span_id
    assert passed[0].split("-")[2] == upstream.span_id.hex(), "what the upstream has as its parent"
    found = attributes(root)
    assert found["http.method"] == "GET"
    assert found["http.status_code"] == 200
    assert found["http.route"] == "/"
    assert found["net.peer.ip"] == "127.0.0.1"
    assert found["http.url"] == "http://client.test/a", "keys in the query stay out"
    assert attributes(upstream)["http.status_code"] == 200
    assert root.start_time_unix_nano <= upstream.start_time_unix_nano
    assert upstream.end_time_unix_nano <= root.end_time_unix_nano


async def test_what_is_not_sampled_is_not_sent() -> None:
    with receiving() as receiver:
        await traced(config(receiver), PARENT.replace("-01", "-00"))
        await traced(config(receiver, sampling_rate=0), PARENT)
        assert receiver.spans == []


async def test_a_request_that_a_plugin_refuses_is_a_span_too() -> None:
    with receiving() as receiver:
        status, _ = await traced(config(receiver), PARENT, plugins=[("key-auth", {})])
        (root,) = receiver.named("kong")
    assert status == 401
    assert root.trace_id.hex() == T32
    assert attributes(root)["http.status_code"] == 401


async def test_the_resource_says_who_it_is() -> None:
    more = {"resource_attributes": {"service.name": "orders", "x": "y"}}
    with receiving() as receiver:
        settings = config(receiver, headers={"X-Key": "k"}, **more)
        await traced(settings, node_id="node-1")
        ((headers, message),) = receiver.requests
    found = attributes(message.resource_spans[0].resource)
    assert found["service.name"] == "orders"
    assert found["service.instance.id"] == "node-1"
    assert found["x"] == "y"
    assert headers["Content-Type"] == "application/x-protobuf"
    assert headers["X-Key"] == "k"


@pytest.mark.parametrize("refused", [False, True])
async def test_the_response_shows_the_traces_id(refused: bool) -> None:
    plugins: list[Any] = [("key-auth", {})] if refused else []
    settings = {"http_response_header_for_traceid": "X-Trace"}
    async with policy_gateway(*plugins, (NAME, settings)) as gateway:
        response = await gateway.ask("/", PARENT)
    assert response.headers["x-trace"] == T32


async def test_a_receiver_that_is_away_gets_the_spans_later() -> None:
    with receiving() as receiver:
        receiver.statuses = [503, 429]
        await traced(config(receiver, queue={"initial_retry_delay": 0.001}), PARENT)
        assert receiver.named("kong")


async def test_what_a_receiver_refuses_is_dropped_and_counted() -> None:
    logs = LogSinks()
    with receiving() as receiver:
        receiver.statuses = [400]
        await traced(config(receiver), PARENT, logs=logs)
        assert receiver.spans == []
    assert logs.counts.report()["dropped"] == {NAME: {"refused": 1}}


async def test_a_policy_that_waits_is_a_span() -> None:
    introspection = {
        "introspection_url": "http://127.0.0.1:9/introspect",
        "authorization_value": "x",
    }
    with receiving() as receiver:
        await traced(
            config(receiver),
            PARENT,
            "Authorization: Bearer abc",
            plugins=[("oauth2-introspection", introspection)],
        )
        (root,) = receiver.named("kong")
        (wait,) = receiver.named("kong.access.plugin.oauth2-introspection")
    assert wait.parent_span_id == root.span_id
    assert root.start_time_unix_nano <= wait.start_time_unix_nano <= wait.end_time_unix_nano


async def test_slow_buckets_name_a_trace() -> None:
    metrics = RequestMetrics()
    plugins = [("prometheus", {"latency_metrics": True})]
    with receiving() as receiver:
        await traced(config(receiver), PARENT, plugins=plugins, request_metrics=metrics)
    (buckets,) = metrics.exemplars().values()
    assert [exemplar[0] for exemplar in buckets.values()] == [T32]


def test_it_runs_before_a_plugin_that_produces() -> None:
    assert PLUGIN.priority_in(False) == 14
    assert 752 < PLUGIN.priority_in(True) < 801


_IDS = st.sampled_from([T32, "0" * 32, "A" * 32, "1" * 31])
_SPANS = st.sampled_from([S, "0" * 16, "F" * 16])
_PARENTS = st.builds(
    "{}-{}-{}-{}".format,
    st.sampled_from(["00", "00", "01"]),
    _IDS,
    _SPANS,
    st.sampled_from(["00", "01", "02", "03", "0a", "ff", "0", "F1", "01-x"]),
) | st.text("0123456789abcdef- ", max_size=60)
_STATES = st.sampled_from(
    [
        (),
        (),
        ((b"tracestate", b"a=b"),),
        ((b"x-b3-sampled", b"1"),),
        ((b"x-amzn-trace-id", b"Root=1-67891233-abcdef012345678912345678;Sampled=1"),),
    ]
)


def made(**settings: Any) -> OpenTelemetry:
    pool: ProducerPool = None  # type: ignore[assignment]  # no records here
    return OpenTelemetry(PLUGIN.schema(**settings), PluginContext(pool, lambda _: None))


def outcome(request: Request) -> tuple[Any, ...]:
    """Return all that a handler did to a request, but the ids that it has drawn."""
    trace = request.trace
    records = trace.on_record([]), trace.on_record([("TraceParent", b"x")])
    text, span = repr((request.headers, [list(found) for found in records])), trace.span.decode()
    # Of the flags the lowest bit counts; whoever passes a context on as it came leaves the others.
    text = re.sub(span + "-([0-9a-f]{2})'", lambda found: f"span-{int(found[1], 16) & 1}'", text)
    text = text.replace(span, "span")
    drawn = (len(trace.number), len(trace.span), len(trace.root))
    return text, trace.number, trace.sampled, trace.id, request.own_headers, drawn


@given(
    st.lists(_PARENTS, max_size=2),
    _STATES,
    st.sampled_from(
        [
            {},
            {"sampling_rate": 0},
            {"sampling_rate": 0.5},
            {"header_type": "ignore"},
            {"header_type": "b3"},
            {"propagation": {"extract": ["aws", "w3c"], "inject": ["w3c"]}},
        ]
    ),
    st.sampled_from(["parent_drop_probability_fallback", "parent_probability_fallback"]),
)
def test_the_short_way_of_most_traces_does_what_the_long_one_does(
    parents: list[str], more: Any, settings: dict[str, Any], strategy: str
) -> None:
    plugin = made(**settings, sampling_strategy=strategy)
    lines = [
        (b"a", b"b"),
        *((b"traceparent", one.encode()) for one in parents),
        *more,
        (b"c", b"d"),
    ]
    short, long = request_of(headers=lines), request_of(headers=list(lines))
    long.id = short.id
    plugin.access(short)
    plugin._continue(long)
    # A header that came stays where it was, or goes to the end: only those of one name have order.
    short.headers, long.headers = sorted(short.headers), sorted(long.headers)
    assert outcome(short) == outcome(long)
    if long.trace.parent:
        # The caller's; what begins here is shown in log entries only where it is recorded.
        assert tuple(short.trace.forms) == tuple(long.trace.forms)


def test_a_trace_that_is_not_recorded_is_not_looked_through() -> None:
    """Nor is another, whose headers matter only where there is no ``traceparent``."""
    lines = [(b"x-amzn-trace-id", b"Root=1-67891233-abcdef012345678912345678")]
    lines.append((b"traceparent", f"00-{T32}-{S}-00".encode()))
    for headers in (lines, lines[1:], []):
        request = request_of(headers=headers)
        made(sampling_rate=0).access(request)
        assert type(request.trace) is PassingTrace
        assert request.trace.forms == (("w3c",) if headers else ())
    request = request_of(headers=lines[:1])
    made(sampling_rate=0).access(request)
    assert request.trace.id == "67891233abcdef012345678912345678"


@pytest.mark.parametrize("flags", ["00", "02", "0a", "fe"])
def test_a_context_that_is_not_recorded_goes_on_as_it_came(flags: str) -> None:
    value = f"00-{T32}-{S}-{flags}".encode()
    came = [(b"a", b"b"), (b"traceparent", value)]
    request = request_of(headers=came)
    made().access(request)
    assert request.headers is came, "nothing is made anew"
    assert request.passing == (("traceparent", value),)
    assert request.own_headers == {b"traceparent"}, "a Connection header does not take it away"


def test_who_decides_otherwise_than_the_caller_has_a_span_of_its_own() -> None:
    """The flag may change only together with the parent's id (W3C Trace Context section 4.3)."""
    request = request_of(headers=[(b"traceparent", PARENT[13:].encode()), (b"a", b"b")])
    made(sampling_rate=0).access(request)
    (_, value), other = request.headers
    trace, span, flags = value.decode().split("-")[1:]
    assert (trace, flags, other) == (T32, "00", (b"a", b"b"))
    assert span != S
    assert request.passing == (("traceparent", value),)


def test_no_request_changes_the_headers_that_came() -> None:
    came = [(b"a", b"b"), (b"traceparent", f"00-{T32}-{S}-00".encode())]
    request = request_of(headers=came)
    made().access(request)
    assert came == [(b"a", b"b"), (b"traceparent", f"00-{T32}-{S}-00".encode())]
    assert request.trace.number == T32.encode()
