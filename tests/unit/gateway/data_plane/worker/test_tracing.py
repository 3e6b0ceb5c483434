# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.errors import ClusterError
from gateway.hybrid.extensions import RequestTrace, TriedRequest
from tests.support.broker import Broker
from tests.support.control_plane import Place, node_settings
from tests.support.node import running_node
from tests.support.page import serving_page
from tests.support.producing import on_broker
from tests.support.waiting import PATIENCE

KEY = "key-of-ann-0815"


def routes(broker: Broker | None = None, topic: str = "") -> dict[str, Any]:
    """Return a route that writes records of callers with a key, and one that answers itself."""
    teapot = {"request-termination": {"config": {"status_code": 418, "message": "short"}}}
    found: dict[str, Any] = {"teapot": {"paths": ["/teapot"], "plugins": teapot}}
    consumers = {"ann": {"keyauth_credentials": {"own": {"key": KEY}}}}
    if broker is not None:
        config = on_broker(broker, topic, producer_async=False)
        plugins = {"kafka-upstream": {"config": config}, "key-auth": {}}
        found["orders"] = {"paths": ["/orders"], "plugins": plugins}
    service = {"url": "http://shop.internal", "routes": found}
    return {"services": {"shop": service}, "consumers": consumers}


@asynccontextmanager
async def tried_on(
    tmp_path: Path, document: dict[str, Any], **settings: str
) -> AsyncIterator[tuple[Place, str]]:
    async with serving_page(tmp_path) as place:
        await place.publish(document, wait=0)
        allowed = {"KAFKA_GATEWAY_TRACE_REQUESTS": "on", **settings}
        with running_node(tmp_path, **node_settings(place, tmp_path), **allowed) as node:
            await asyncio.to_thread(node.ready)
            async with asyncio.timeout(PATIENCE):
                while not place.made.extensions.traffic.nodes:  # noqa: ASYNC110  # a report comes
                    await asyncio.sleep(0.05)
            yield place, place.made.data_planes.connected()[0]


async def tried(
    place: Place, node: str, path: str, headers: list[tuple[str, str]], body: bytes = b""
) -> RequestTrace:
    wanted = TriedRequest("", "POST", path, headers, body)
    return await place.made.extensions.try_request(node, wanted)


@pytest.mark.kafka
async def test_a_trace_has_the_record_with_its_partition_and_offset(
    tmp_path: Path, broker: Broker
) -> None:
    topic = broker.topic()
    document = routes(broker, topic)
    trusted = {"KONG_LUA_SSL_TRUSTED_CERTIFICATE": broker.ca_file}
    async with tried_on(tmp_path, document, **trusted) as (place, node):
        for offset in range(2):
            trace = await tried(place, node, "/orders", [("apikey", KEY)], b"hello")
            assert trace.error == ""
            assert (trace.status, trace.route, trace.service) == (200, "orders", "shop")
            assert trace.consumer == "ann"
            steps = [(one.name, one.outcome) for one in trace.steps]
            assert steps == [("key-auth", "passed"), ("kafka-upstream", "responds")]
            (record,) = trace.records
            assert (record.topic, record.partition, record.offset) == (topic, 0, offset)
        trace = await tried(place, node, "/orders", [])
        assert (trace.status, trace.consumer, trace.records) == (401, "", [])
        assert [(one.name, one.outcome) for one in trace.steps] == [("key-auth", "responds")]
    assert await asyncio.to_thread(broker.count, topic) == 2


async def test_a_trace_has_what_matched_what_ran_and_what_came_of_it(tmp_path: Path) -> None:
    async with tried_on(tmp_path, routes()) as (place, node):
        trace = await tried(place, node, "/teapot?x=1", [])
        assert (trace.status, trace.route, trace.error) == (418, "teapot", "")
        assert trace.response.startswith(b"HTTP/1.1 418")
        assert b"short" in trace.response
        assert trace.milliseconds > 0
        nowhere = await tried(place, node, "/nowhere", [])
        assert (nowhere.status, nowhere.route, nowhere.steps) == (404, "", [])


async def test_a_node_that_does_not_allow_it_is_not_asked(tmp_path: Path) -> None:
    off = {"KAFKA_GATEWAY_TRACE_REQUESTS": "off"}
    async with tried_on(tmp_path, routes(), **off) as (place, node):
        with pytest.raises(ClusterError, match="lets nobody try requests"):
            await tried(place, node, "/teapot", [])


async def test_a_request_comes_from_who_tries_it_and_headers_say_nothing_else(
    tmp_path: Path,
) -> None:
    document = routes()
    plugins = document["services"]["shop"]["routes"]["teapot"]["plugins"]
    plugins["ip-restriction"] = {"config": {"allow": ["192.0.2.7", "2001:db8::7"]}}
    trusting = {"KONG_TRUSTED_IPS": "0.0.0.0/0,::/0", "KONG_REAL_IP_HEADER": "X-Real-IP"}
    async with tried_on(tmp_path, document, **trusting) as (place, node):
        for client, header, status in (
            ("192.0.2.7", "192.0.2.8", 418),
            ("2001:db8::7", "192.0.2.8", 418),
            ("192.0.2.8", "192.0.2.7", 403),
            ("", "192.0.2.7", 403),
        ):
            headers = [("X-Real-IP", header)]
            wanted = TriedRequest("", "POST", "/teapot", headers, client=client)
            trace = await place.made.extensions.try_request(node, wanted)
            assert (trace.status, trace.error) == (status, ""), client


async def test_a_route_of_another_owner_is_not_tried(tmp_path: Path) -> None:
    async with tried_on(tmp_path, routes()) as (place, node):
        own = (await place.ask("GET", "/routes/teapot")).body["id"]
        for allowed, status in (([own], 418), ([], 403)):
            wanted = TriedRequest("", "POST", "/teapot", [], routes=allowed)
            trace = await place.made.extensions.try_request(node, wanted)
            assert trace.status == status
            assert ("another owner's" in trace.error) is (status == 403)
            assert bool(trace.steps) is (status == 418)
