# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.outgoing.client import HttpClient
from gateway.plugins.logging.sinks import LogSinks
from gateway.plugins.opentelemetry import PLUGIN
from gateway.plugins.request_metrics import RequestMetrics
from tests.support.otlp import Receiver, attributes, receiving
from tests.support.policies import policy_gateway

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
