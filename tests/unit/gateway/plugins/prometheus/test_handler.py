# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.messages import Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.prometheus.handler import Prometheus
from gateway.plugins.prometheus.schema import Config
from gateway.plugins.request_metrics import SEPARATOR, RequestMetrics
from tests.support.policies import PolicyGateway, policy_gateway
from tests.support.releases import number
from tests.support.requests import request_of
from tests.support.upstream import answering, ok

NAME = "prometheus"
ALL = {"status_code_metrics": True, "latency_metrics": True, "bandwidth_metrics": True}
KEY = f"s{SEPARATOR}r"
CONSUMERS = {
    "consumers": [
        {"id": number("c1"), "username": "alice", "custom_id": None},
        {"id": number("c2"), "username": None, "custom_id": "b-2"},
    ],
    "keyauth_credentials": [
        {"id": number("k1"), "key": "k-alice", "consumer": number("c1"), "ttl": None},
        {"id": number("k2"), "key": "k-bob", "consumer": number("c2"), "ttl": None},
    ],
}


async def counted(
    config: Mapping[str, Any], *paths: str, headers: str = "", **more: Any
) -> dict[str, Any]:
    """Ask and return what was counted of the route."""
    metrics = RequestMetrics()
    plugins = more.pop("plugins", ())
    async with policy_gateway(*plugins, (NAME, config), request_metrics=metrics, **more) as gateway:
        for path in paths or ("/",):
            await gateway.ask(path, *([headers] if headers else []))
    found: dict[str, Any] = metrics.report().get(KEY, {})
    return found


async def test_responses_are_counted_by_status_and_source() -> None:
    found = await counted({"status_code_metrics": True})
    assert found == {"callers": {"": {"codes": {"-200": 1}, "ingress": 0, "egress": 0}}}


async def test_what_a_plugin_refuses_came_from_the_gateway() -> None:
    found = await counted(
        {"status_code_metrics": True}, plugins=[("key-auth", {})], collections=CONSUMERS
    )
    assert found["callers"][""]["codes"] == {"401": 1}


async def test_nothing_is_counted_where_all_switches_are_off() -> None:
    assert await counted({"per_consumer": True}) == {}


@pytest.mark.parametrize("switch", sorted(ALL))
async def test_each_switch_counts_its_own(switch: str) -> None:
    found = await counted({switch: True})
    one = found["callers"].get("", {"codes": {}, "ingress": 0})
    assert bool(one["codes"]) is (switch == "status_code_metrics")
    assert bool(one["ingress"]) is (switch == "bandwidth_metrics")
    assert ("elapsed" in found) is (switch == "latency_metrics")


async def test_bytes_are_those_on_the_wire() -> None:
    metrics = RequestMetrics()
    script = answering(ok(b"x" * 1000), [])
    async with policy_gateway((NAME, ALL), script=script, request_metrics=metrics) as gateway:
        sent = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\nConnection: close\r\n\r\n"
        received = await exchange(gateway, sent + b"y" * 500)
        chunked = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
        chunked += b"Connection: close\r\n\r\n"
        received += await exchange(gateway, chunked + b"a\r\n0123456789\r\n0\r\n\r\n")
    one = metrics.report()[KEY]["callers"][""]
    assert one["ingress"] == len(sent) + 500 + len(chunked) + 10
    assert one["egress"] == received


async def exchange(gateway: PolicyGateway, data: bytes) -> int:
    """Send bytes and return how many come back until the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.running.port)
    writer.write(data)
    received = await reader.read()
    writer.close()
    return len(received)


async def test_latency_of_an_upstream_is_counted_only_where_there_is_one() -> None:
    found = await counted(ALL)
    assert {"elapsed", "gateway", "upstream"} <= found.keys()
    refused = await counted(ALL, plugins=[("key-auth", {})], collections=CONSUMERS)
    assert "upstream" not in refused
    assert sum(refused["gateway"]["counts"]) == 1


async def test_consumers_are_told_apart_where_that_is_wanted() -> None:
    plugins: list[tuple[str, dict[str, Any]]] = [("key-auth", {})]
    for config, names in (({}, {""}), ({"per_consumer": True}, {"", "alice", "b-2"})):
        metrics = RequestMetrics()
        async with policy_gateway(
            *plugins, (NAME, {**ALL, **config}), collections=CONSUMERS, request_metrics=metrics
        ) as gateway:
            for key in ("k-alice", "k-bob", "wrong"):
                await gateway.ask("/", f"apikey: {key}")
        assert metrics.report()[KEY]["callers"].keys() == names


async def test_no_client_makes_up_a_label() -> None:
    paths = [f"/{place}?x={place}" for place in range(20)]
    found = await counted({**ALL, "per_consumer": True}, *paths, headers="X-Consumer-Username: me")
    assert found["callers"].keys() == {""}
    assert found["callers"][""]["codes"] == {"-200": 20}


def test_a_handler_that_counts_nothing_is_not_called() -> None:
    assert "log" in Prometheus(Config(), None).skips  # type: ignore[arg-type]  # needs no context
    assert Handler.log is not Prometheus.log


TIMES = st.one_of(
    st.floats(0, 0.002), st.floats(0, 0.05), st.floats(0, 90), st.sampled_from((0.0, 0.001, 0.025))
)


@given(st.lists(st.tuples(TIMES, st.none() | TIMES, st.booleans()), max_size=20))
def test_quick_requests_are_counted_as_all_others(
    times: list[tuple[float, float | None, bool]],
) -> None:
    # A request that waits for nobody, or is recorded by a trace, goes another way.
    counted, expected = RequestMetrics(), RequestMetrics()
    handler = Prometheus(Config(latency_metrics=True), PluginContext(None, lambda _: None))  # type: ignore[arg-type]  # no Kafka
    for elapsed, own, recorded in times:
        request = request_of()
        match: Any = SimpleNamespace(data=SimpleNamespace(metrics=counted.of("s", "r")))
        request.match, request.ended, request.waiting_since = match, elapsed, own
        request.trace = SimpleNamespace(id="a" * 32, sampled=True) if recorded else None
        handler.log(request, Response(200, ()))
        # Clocks are read one after the other, but a response may come while a request is made.
        shown = elapsed if own is None else min(own, elapsed)
        waited = -1.0 if own is None else elapsed - shown
        trace = "a" * 32 if recorded else ""
        expected.of("s", "r").time(elapsed * 1000, shown * 1000, waited * 1000, trace)
    assert counted.exemplars().keys() == expected.exemplars().keys()
    seen, wanted = counted.of("s", "r").report(), expected.of("s", "r").report()
    assert seen.keys() == wanted.keys()
    for name in seen.keys() - {"callers"}:
        assert seen[name]["counts"] == wanted[name]["counts"]
        assert seen[name]["sum"] == pytest.approx(wanted[name]["sum"], abs=0.01)
