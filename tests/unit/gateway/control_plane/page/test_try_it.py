# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest

from gateway.control_plane.page.try_it import read_request
from gateway.errors import RequestRejected
from tests.support.page import Visitor, serving_page, text, token_for, words
from tests.support.peer import Peer
from tests.support.reports import message, report

FORM = {"method": "POST", "path": "/orders?a=b", "headers": "apikey: k\r\n\r\nX-A: é", "body": "b"}


def test_a_form_is_a_request() -> None:
    found = read_request(FORM)
    assert (found.method, found.target, found.body) == ("POST", "/orders?a=b", b"b")
    assert found.headers == [("apikey", "k"), ("X-A", "é")]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("method", "TRACE"),
        ("method", "GET / HTTP/1.1\r\nX: "),
        ("path", "orders"),
        ("path", "/a b"),
        ("path", "/a\r\nX: y"),
        ("headers", "no colon"),
        ("headers", "a b: c"),
        ("headers", "a: b\x00"),
        ("headers", "Content-Length: 5"),
        ("headers", "Transfer-Encoding: chunked"),
        ("headers", "X-Kafka-Gateway-Tried-By: somebody else"),
        ("headers", "\n".join(f"x{number}: y" for number in range(60))),
        ("body", "x" * 70_000),
    ],
)
def test_what_is_no_request_is_refused(field: str, value: str) -> None:
    with pytest.raises(RequestRejected):
        read_request({**FORM, field: value})


async def told(peer: Peer, **answer: object) -> None:
    """Answer the next request that is to be tried."""
    while True:
        frame = await peer.frame()
        if frame[:1] == b"{":
            break
    asked = orjson.loads(frame)
    await peer.say({"type": "kafka_gateway_trace", "id": asked["id"], **answer})


async def test_a_data_plane_tells_what_it_did(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, place.peer(hostname="gateway-1") as peer:
        visitor = Visitor(place)
        await visitor.sign_in()
        assert "No data plane that is connected lets requests be tried" in words(
            await visitor.get("/try")
        )
        state = report()
        state.traces = True
        await peer.say(message(state))
        await peer.ping()
        assert "gateway-1" in words(await visitor.get("/try"))
        answering = asyncio.create_task(
            told(
                peer,
                route="orders",
                status=200,
                response="SFRUUC8xLjEgMjAwIE9LDQoNCjxiPg==",
                steps=[{"name": "key-auth", "milliseconds": 0.2, "outcome": "passed"}],
                records=[{"topic": "orders", "partition": 3, "offset": 77}],
            )
        )
        node = place.made.data_planes.connected()[0]
        reply = await visitor.post("/try", {**FORM, "node": node}, "/try")
        await answering
        assert "key-auth passed" in words(reply)
        assert "orders 3 77" in words(reply)
        assert "&lt;b&gt;" in text(reply)
        assert "<b>" not in text(reply)
        gone = await visitor.post("/try", {**FORM, "node": "none"}, "/try")
        assert "lets nobody try requests" in words(gone)


async def test_a_data_plane_that_goes_meanwhile_is_told_of(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        async with place.peer() as peer:
            state = report()
            state.traces = True
            await peer.say(message(state))
            await peer.ping()
            node = place.made.data_planes.connected()[0]
            asking = asyncio.create_task(visitor.post("/try", {**FORM, "node": node}, "/try"))
            await peer.frame()
        assert "connection has ended" in words(await asking)


async def test_it_takes_the_right_to_write(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in(await token_for(place, "ann", "read"))
        assert "Try it" not in words(await visitor.get("/releases"))
        assert (await visitor.get("/try")).status == 403
        assert (await visitor.post("/try", FORM, "/releases")).status == 403


async def test_a_trace_without_end_is_shown_in_part(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, place.peer() as peer:
        visitor = Visitor(place)
        await visitor.sign_in()
        made = report()
        made.traces = True
        await peer.say(message(made))
        await peer.ping()
        fields = {**FORM, "node": place.made.data_planes.connected()[0]}
        asking = asyncio.create_task(visitor.post("/try", fields, "/try"))
        step = {"name": "<i>step", "milliseconds": 1e308, "outcome": "passes"}
        record = {"topic": "<i>topic", "partition": 0, "offset": 2**62, "error": ""}
        await told(
            peer,
            status=200,
            steps=[step] * 3000,
            records=[record] * 3000,
            response="YWFh" * 500_000,
        )
        page = text(await asking)
        assert "And 2800 more." in page
        assert "<i>" not in page
        assert len(page) < 500_000


async def test_it_says_who_tries_it_and_keeps_to_the_routes_of_their_owners(tmp_path: Path) -> None:
    document = {"routes": {"own": {"paths": ["/own"]}}}
    async with serving_page(tmp_path) as place, place.peer() as peer:
        made = report()
        made.traces = True
        await peer.say(message(made))
        await peer.ping()
        fields = {**FORM, "node": place.made.data_planes.connected()[0]}
        await place.publish(document, owner="team-a", wait=0)
        await place.publish({"routes": {"other": {"paths": ["/other"]}}}, wait=0)
        own = (await place.ask("GET", "/routes/own")).body["id"]
        cases: list[tuple[tuple[str, ...], list[str] | None]] = [
            (("team-a",), [own]),
            (("team-b",), []),
            ((), None),
        ]
        for owners, allowed in cases:
            visitor = Visitor(place)
            name = "-".join(("of", *owners))
            await visitor.sign_in(await token_for(place, name, "write", owners=owners))
            asking = asyncio.create_task(visitor.post("/try", fields, "/try"))
            while (frame := await peer.frame())[:1] != b"{":
                pass
            asked = orjson.loads(frame)
            answer = {"type": "kafka_gateway_trace", "id": asked["id"], "status": 200}
            await peer.say(answer)
            assert (await asking).status == 200
            assert (asked["client"], asked["routes"]) == ("127.0.0.1", allowed)
            assert asked["headers"][-1] == ["X-Kafka-Gateway-Tried-By", name]


@pytest.mark.parametrize("field", sorted(FORM))
async def test_a_form_without_a_field_is_shown_again(tmp_path: Path, field: str) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        rest = {name: value for name, value in FORM.items() if name != field}
        assert (await visitor.post("/try", rest, "/try")).status == 200
