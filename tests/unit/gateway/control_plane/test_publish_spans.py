# SPDX-License-Identifier: Apache-2.0
"""Publishes as traces: read back from a real receiver of OTLP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.support.control_plane import AS_OWNER, node_settings, running
from tests.support.documents import story, with_topic
from tests.support.node import running_node
from tests.support.otlp import Receiver, attributes, receiving

PUBLISH, SWITCH, APPLY = "kafka_gateway.publish", "kafka_gateway.switch", "kafka_gateway.apply"
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


async def named(receiver: Receiver, name: str, count: int = 1) -> list[Span]:
    return await asyncio.to_thread(receiver.named, name, count)


async def test_a_publish_is_a_span_and_each_data_planes_switch_one_below_it(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with (
        running(tmp_path, traces_endpoint=receiver.url) as place,
        place.serving(hostname="node-1"),
        place.serving(hostname="node-2"),
    ):
        reply = await place.publish(story(), message="first", who="someone")
        (publish,) = await named(receiver, PUBLISH)
        switches = await named(receiver, SWITCH, 2)
    found = attributes(publish)
    assert found["kafka_gateway.release.number"] == 1
    assert found["kafka_gateway.release.hash"] == reply.body["hash"]
    assert found["kafka_gateway.release.owners"] == "stack-test"
    assert found["kafka_gateway.release.message"] == "first"
    assert str(found["enduser.id"]).startswith("someone from 127.0.0.1")
    assert (found["kafka_gateway.data_planes"], found["kafka_gateway.data_planes.confirmed"]) == (
        2,
        2,
    )
    assert not publish.parent_span_id
    assert {attributes(one)["server.address"] for one in switches} == {"node-1", "node-2"}
    for switch in switches:
        assert (switch.trace_id, switch.parent_span_id) == (publish.trace_id, publish.span_id)
        assert publish.start_time_unix_nano < switch.start_time_unix_nano
        assert switch.end_time_unix_nano <= publish.end_time_unix_nano
        assert switch.status.code == Status.STATUS_CODE_UNSET


async def test_the_trace_of_the_caller_goes_on(tmp_path: Path, receiver: Receiver) -> None:
    async with running(tmp_path, traces_endpoint=receiver.url) as place:
        place.headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        await place.publish(story())
        await place.ask("POST", "/services", {"name": "single", "url": "http://s.test"})
        spans = await named(receiver, PUBLISH, 2)
    assert {one.trace_id.hex() for one in spans} == {TRACE}
    assert {one.parent_span_id.hex() for one in spans} == {CALLER}
    assert [attributes(one)["kafka_gateway.release.number"] for one in spans] == [1, 2]


async def test_what_the_caller_does_not_record_is_not_recorded(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with running(tmp_path, traces_endpoint=receiver.url) as place:
        place.headers = {"traceparent": f"00-{TRACE}-{CALLER}-00"}
        await place.publish(story())
        place.headers = {}
        await place.publish(with_topic("other"))
        (span,) = await named(receiver, PUBLISH)
    assert attributes(span)["kafka_gateway.release.number"] == 2
    assert len(receiver.spans) == 1


async def test_a_refused_release_says_who_refused_it_and_why(
    tmp_path: Path, receiver: Receiver
) -> None:
    def judge(table: dict[str, Any]) -> str | None:
        return "no such topic" if table["plugins"][0]["config"]["topic"] == "bad" else None

    async with (
        running(tmp_path, traces_endpoint=receiver.url) as place,
        place.serving(judge, hostname="strict"),
        place.serving(hostname="lenient"),
    ):
        await place.publish(with_topic("good"))
        assert (await place.publish(with_topic("bad"))).status == 409
        publish = (await named(receiver, PUBLISH, 2))[1]
        switches = await named(receiver, SWITCH, 5)
    assert publish.status.code == Status.STATUS_CODE_ERROR
    assert publish.status.message == "strict: no such topic"
    assert attributes(publish)["kafka_gateway.release.taken_back_by"] == 3
    of_it = [one for one in switches if one.trace_id == publish.trace_id]
    # One of them went there and back, below the same publish.
    assert sorted(one.status.message for one in of_it) == ["", "", "no such topic"]


async def test_a_single_write_and_its_switch_are_one_trace(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with running(tmp_path, traces_endpoint=receiver.url) as place, place.serving():
        await place.publish(story())
        await place.ask(
            "POST", "/services", {"name": "single", "url": "http://s.test"}, headers=AS_OWNER
        )
        publish = (await named(receiver, PUBLISH, 2))[1]
        switch = (await named(receiver, SWITCH, 2))[1]
    assert (switch.trace_id, switch.parent_span_id) == (publish.trace_id, publish.span_id)


async def test_a_receiver_that_does_not_respond_holds_nothing_up(tmp_path: Path) -> None:
    async with running(tmp_path, traces_endpoint="http://127.0.0.1:9/v1/traces") as place:
        for number in range(3):
            assert (await place.publish(with_topic(f"t{number}"))).status == 201


async def test_a_data_plane_of_ours_records_its_part_below_the_push(
    tmp_path: Path, receiver: Receiver
) -> None:
    document = {"services": {"s": {"url": "http://s.test"}}}
    standard = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{receiver.port}"}
    async with running(tmp_path, traces_endpoint=receiver.url) as place:
        await place.publish(document)
        with running_node(tmp_path, **node_settings(place, tmp_path), **standard) as node:
            await asyncio.to_thread(node.ready)
            document["services"]["s"]["url"] = "http://other.test"
            reply = await place.publish(document, wait=20)
            publish = (await named(receiver, PUBLISH, 2))[1]
            applied = (await named(receiver, APPLY, 2))[-1]
            switches = await named(receiver, SWITCH, 2)
    assert reply.body["data_planes"][0]["status"] == "confirmed"
    switch = next(one for one in switches if one.trace_id == publish.trace_id)
    assert (applied.trace_id, applied.parent_span_id) == (publish.trace_id, switch.span_id)
    assert attributes(applied)["kafka_gateway.release.hash"] == reply.body["hash"]
    assert switch.start_time_unix_nano <= applied.start_time_unix_nano
    services = {
        attributes(resource.resource)["service.name"]
        for _, message in receiver.requests
        for resource in message.resource_spans
    }
    assert services == {"kafka-gateway-control-plane", "kafka-gateway-data-plane"}


async def test_data_planes_that_do_not_ask_for_it_get_no_frame_but_configurations(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with (
        running(tmp_path, traces_endpoint=receiver.url) as place,
        place.peer(hostname="kongs") as peer,
    ):
        assert peer.extensions == "traces"
        await place.publish(story(), wait=0)
        assert (await peer.configuration())["config_table"]["services"]
