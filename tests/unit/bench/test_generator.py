# SPDX-License-Identifier: Apache-2.0
"""The load generator against servers that are known to behave, or to misbehave."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from array import array
from typing import Any

import pytest
import uvloop

from bench.cases import all_cases, paths_of
from bench.generator import ACKNOWLEDGED, REFUSED, Order, Yield, carry_out, percentiles, rendered
from bench.subjects.floor import Floor
from tests.support.strict_http import read_all


class _Counting(Floor):
    """Answers 200 to every request but each tenth, and keeps the bodies."""

    bodies: list[bytes]

    def on_message_complete(self) -> None:
        self.bodies.append(b"".join(self.body))
        status = b"500 No" if len(self.bodies) % 10 == 0 else b"200 OK"
        self.transport.write(b"HTTP/1.1 %b\r\nCONTENT-length: 2\r\n\r\nok" % status)


class _Stalling(Floor):
    """Stalls once for 200 ms after 100 requests."""

    seen: int

    def on_message_complete(self) -> None:
        type(self).seen += 1
        delay = 0.2 if self.seen == 100 else 0.0
        asyncio.get_running_loop().call_later(delay, self.transport.write, self.answer)


def _load(protocol: type[Floor], **order: Any) -> tuple[Yield, bytearray]:
    async def run() -> tuple[Yield, bytearray]:
        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        given = {"connections": 4, "seconds": 0.3, "warm_up": 0.05, "paths": ["/x"], **order}
        result = await carry_out(Order(port=port, **given), lambda _line: None)
        server.close()
        return result

    return uvloop.run(run())


def test_every_request_has_an_id_and_an_outcome() -> None:
    _Counting.bodies = []
    result, outcomes = _load(_Counting, size=200, prefix="run")
    ids = [json.loads(body)["id"] for body in _Counting.bodies]
    assert {len(body) for body in _Counting.bodies} == {200}
    assert len(set(ids)) == len(ids) == len(outcomes)
    assert outcomes.count(REFUSED) == len(ids) // 10
    assert outcomes.count(ACKNOWLEDGED) == len(ids) - len(ids) // 10
    assert set(result.statuses) == {"200", "500"}
    assert result.broken == 0


def test_a_limit_ends_the_run() -> None:
    _Counting.bodies = []
    _load(_Counting, size=200, prefix="run", limit=50, warm_up=0.0)
    assert len(_Counting.bodies) == 50


def test_a_stall_is_charged_to_the_requests_that_fell_due_meanwhile() -> None:
    _Stalling.seen = 0
    result, _ = _load(_Stalling, connections=1, rate=1000.0, seconds=0.6, warm_up=0.0)
    # One connection is stuck for 200 ms: requests due meanwhile, a third of all, are late by 100 ms
    # on average, although only one of them was on the wire.
    assert result.percentiles["p90"] > 50


def test_the_paths_are_cycled_through() -> None:
    order = Order(port=1, connections=1, seconds=1, warm_up=0, paths=["/a", "/b"])
    lines = [request.split(b" ")[1] for request in itertools.islice(rendered(order), 4)]
    assert lines == [b"/a", b"/b", b"/a", b"/b"]


@pytest.mark.parametrize("size", [0, 200])
def test_no_head_is_sent_twice(size: int) -> None:
    """Whatever the case, and whichever server it is for."""
    for case in all_cases():
        order = Order(
            port=1,
            connections=1,
            seconds=1,
            warm_up=0,
            paths=paths_of(case),
            size=size,
            headers=case.headers,
        )
        heads = [
            request.partition(b"\r\n\r\n")[0] for request in itertools.islice(rendered(order), 1000)
        ]
        assert len(set(heads)) == 1000
        sampled = 0
        for read in (read_all(head + b"\r\n\r\n" + b"x" * size)[0] for head in heads):
            (parent,) = [value for name, value in read.headers if name == b"traceparent"]
            assert re.fullmatch(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", parent)
            sampled += parent.endswith(b"01")
        assert sampled == 10


def test_what_the_heads_carry_is_the_same_but_for_the_trace() -> None:
    order = Order(port=1, connections=1, seconds=1, warm_up=0, paths=["/a"], size=200)
    heads = {
        re.sub(
            rb"traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]",
            b"",
            request.partition(b"\r\n\r\n")[0],
        )
        for request in itertools.islice(rendered(order), 100)
    }
    assert len(heads) == 1


def test_percentiles_are_in_milliseconds() -> None:
    found = percentiles(array("d", [number / 1000 for number in range(1001)]))
    assert found == {"p50": 500.0, "p90": 900.0, "p99": 990.0, "p99.9": 999.0, "max": 1000.0}
    assert percentiles(array("d"))["p99"] == 0.0
