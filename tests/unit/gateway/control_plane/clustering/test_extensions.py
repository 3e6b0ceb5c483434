# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.control_plane.clustering.extensions import NodeExtensions
from gateway.control_plane.traffic import Traffic
from gateway.errors import ClusterError
from gateway.hybrid.extensions import RequestTrace, TriedRequest, encode, read_tried
from tests.support.control_plane import running
from tests.support.page import serving_page
from tests.support.reports import message, report, route
from tests.support.waiting import PATIENCE


def test_what_is_no_message_of_ours_is_left_to_others() -> None:
    extensions = NodeExtensions(Traffic())
    assert not extensions.take("a", b'{"type":"error","error":{}}')
    assert extensions.take("a", encode(report(route("orders", 1))))
    with pytest.raises(ClusterError, match="nobody asked for"):
        extensions.take("a", b'{"type":"kafka_gateway_other"}')


async def test_reports_are_taken_where_there_is_a_page(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        async with place.peer() as peer:
            await peer.say(message(report(route("orders", 3))))
            await peer.ping()
            assert place.made.extensions.traffic.nodes
        assert ("shop", "orders") in place.made.extensions.traffic.routes
        async with asyncio.timeout(PATIENCE):
            while place.made.data_planes.connected():
                await place.made.data_planes.news()
        assert not place.made.extensions.traffic.nodes, "who has gone is not there"


async def test_where_there_is_none_data_planes_are_not_asked_for_any(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.peer() as peer:
        assert peer.extensions == ""
    async with serving_page(tmp_path) as place, place.peer() as peer:
        assert peer.extensions == "reports"


async def test_the_end_of_a_former_connection_takes_nothing_from_the_present_one() -> None:
    """A data plane that connects anew is heard before its old connection is known to be dead."""
    extensions, sent = NodeExtensions(Traffic()), asyncio.Queue[bytes]()

    async def former(frame: bytes) -> None:
        raise AssertionError(frame)

    for send in (former, sent.put):
        extensions.arrive("a", send)
    made = report(route("orders", 1))
    made.traces = True
    extensions.take("a", encode(made))
    trying = asyncio.create_task(extensions.try_request("a", TriedRequest("", "GET", "/", [])))
    tried = read_tried(await sent.get())
    extensions.leave("a", former)
    assert extensions.traffic.nodes["a"].traces
    extensions.take("a", encode(RequestTrace(tried.id, status=200)))
    assert (await trying).status == 200
    extensions.leave("a", sent.put)
    assert not extensions.traffic.nodes
