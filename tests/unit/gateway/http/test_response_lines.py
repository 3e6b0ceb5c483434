# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.http.messages import Response
from gateway.http.response_lines import become_headers, joined, make_way
from tests.support.policies import policy_gateway
from tests.support.requests import request_of
from tests.support.upstream import answering, ok

MINUTE = "x-ratelimit-limit-minute"


@pytest.mark.parametrize(
    ("before", "lines", "expected"),
    [
        (b"", b"\r\nA: 1", b"\r\nA: 1"),
        (b"\r\nA: 1\r\nB: 2", b"\r\na: 3", b"\r\nB: 2\r\na: 3"),
        (b"\r\nA: 1", b"", b"\r\nA: 1"),
        (b"\r\nB: 2", b"\r\nA: 1\r\nC: x:y", b"\r\nB: 2\r\nA: 1\r\nC: x:y"),
    ],
)
def test_the_later_lines_win(before: bytes, lines: bytes, expected: bytes) -> None:
    assert joined(before, lines) == expected


def test_lines_take_the_place_of_headers_of_their_names() -> None:
    request = request_of()
    request.response_lines = b"\r\nX-A: 1\r\nX-B: x:y"
    response = Response(200, [(b"x-a", b"old"), (b"X-C", b"3")])
    make_way(request, response)
    assert response.headers == [(b"X-C", b"3")]
    become_headers(request, response)
    assert response.headers == [(b"X-C", b"3"), (b"X-A", b"1"), (b"X-B", b"x:y")]
    assert request.response_lines == b""


async def test_what_an_upstream_says_of_limits_is_replaced() -> None:
    script = answering(ok(b"hi", b"X-RateLimit-Limit-Minute: 1", b"Retry-After: 3"))
    async with policy_gateway(("rate-limiting", {"minute": 5}), script=script) as gateway:
        wire = await gateway.running.connect()
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head = (await wire.rest()).decode().lower()
        await wire.close()
    assert head.count(MINUTE) == 1
    assert f"{MINUTE}: 5" in head
    assert "retry-after: 3" in head


async def test_header_filters_see_and_change_them() -> None:
    remove = {"remove": {"headers": ["RateLimit-Limit"]}, "replace": {"headers": [f"{MINUTE}:9"]}}
    chunk = "kong.response.set_header('X-Seen', kong.response.get_header('X-RateLimit-Limit-Hour'))"
    plugins = (
        ("rate-limiting", {"minute": 5, "hour": 7}),
        ("response-transformer", remove),
        ("post-function", {"header_filter": [chunk]}),
    )
    async with policy_gateway(*plugins) as gateway:
        headers = (await gateway.ask()).headers
    assert "ratelimit-limit" not in headers
    assert (headers[MINUTE], headers["x-seen"], headers["ratelimit-remaining"]) == ("9", "7", "4")


async def test_a_header_filter_that_fails_leaves_them() -> None:
    failing = ("post-function", {"header_filter": ["error('x')"]})
    async with policy_gateway(("rate-limiting", {"minute": 5}), failing) as gateway:
        response = await gateway.ask()
    assert (response.status, response.headers[MINUTE]) == (500, "5")


async def test_of_two_limits_each_name_is_told_once() -> None:
    advanced = {"limit": [3], "window_size": [60], "identifier": "ip"}
    plugins = (("rate-limiting", {"minute": 5}), ("rate-limiting-advanced", advanced))
    async with policy_gateway(*plugins) as gateway:
        wire = await gateway.running.connect()
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head = (await wire.rest()).decode().lower()
        await wire.close()
    names = [line.partition(":")[0] for line in head.split("\r\n") if "ratelimit" in line]
    assert len(names) == len(set(names)) == 5
