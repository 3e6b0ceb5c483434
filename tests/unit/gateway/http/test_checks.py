# SPDX-License-Identifier: Apache-2.0
"""Input that another hop might read differently is refused and the connection closed."""

from __future__ import annotations

import pytest

from tests.support.http import App, post, serving

BAD = {
    "two lengths": (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"
    ),
    "same length twice": (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na"
    ),
    "two proofs": b"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nauthorization: b\r\n\r\n",
    "the same proof twice": (
        b"GET / HTTP/1.0\r\nHost: a\r\nAuthorization: a\r\nX: y\r\nAuthorization: a\r\n\r\n"
    ),
    "a list of lengths": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na",
    "a signed length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
    "a hex length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\na",
    "an empty length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\na",
    "a huge length": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\na",
    "length beside chunked": (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "chunked beside length": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Length: 1\r\n\r\n0\r\n\r\n"
    ),
    "chunked twice": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "another coding": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
    ),
    "identity coding": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"
    ),
    "a misspelt coding": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"
    ),
    "a coding behind a vertical tab": (
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"
    ),
    "chunked in HTTP/1.0": (
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "space before the colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
    "space before the first header": b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
    "bare LF after the request line": b"GET / HTTP/1.1\nHost: a\r\n\r\n",
    "bare LF after a header": b"GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    "bare CR in a value": b"GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n",
    "bare CR before the end": b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
    "a control byte in a name": b"GET / HTTP/1.1\r\nHost: a\r\nX\x01: y\r\n\r\n",
    "a high byte in a name": b"GET / HTTP/1.1\r\nHost: a\r\nX\xff: y\r\n\r\n",
    "an empty name": b"GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n",
    "NUL in a value": b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n",
    "no Host": b"GET / HTTP/1.1\r\n\r\n",
    "an empty Host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "two Hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "the same Host twice": b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "a list of Hosts": b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "user information in Host": b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
    "a path in Host": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a port that is none": b"GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n",
    "absolute form of another host": b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute form without Host": b"GET http://a/ HTTP/1.1\r\n\r\n",
    "absolute form with a user": b"GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute form of another scheme": b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute form without authority": b"GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
    "authority form": b"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    "asterisk form": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "a fragment": b"GET /x#y HTTP/1.1\r\nHost: a\r\n\r\n",
    "a target that is no UTF-8": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "a tab in the target": b"GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "a lower-case method": b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("name", BAD)
async def test_hostile_heads_are_400_and_closed(name: str) -> None:
    app = App()
    async with serving(app) as running:
        wire = await running.connect()
        response = await wire.ask(BAD[name])
        assert response.status == 400
        assert response.headers["connection"] == "close"
        assert response.body == b"Bad request\n"
        assert await wire.rest() == b""
        assert app.seen == []
        await wire.close()


@pytest.mark.parametrize("method", [b"TRACE / ", b"CONNECT a:80 "])
async def test_trace_and_connect_are_405(method: bytes) -> None:
    async with serving(App()) as running:
        response = await running.once(method + b"HTTP/1.1\r\nHost: a\r\n\r\n")
        assert response.status == 405
        assert response.headers["allow"].startswith("GET, HEAD, POST")
        assert response.body == b"Method not allowed\n"


async def test_absolute_form_of_the_same_host_is_taken() -> None:
    app = App()
    async with serving(app) as running:
        wire = await running.connect()
        for target in (b"http://A:80/x?y=1", b"http://a:80", b"HTTP://a:80?q"):
            request = b"GET %b HTTP/1.1\r\nHost: a:80\r\n\r\n" % target
            assert (await wire.ask(request)).status == 200
        seen = [(request.path, request.query) for request in app.seen]
        assert seen == [(b"/x", b"y=1"), (b"/", None), (b"/", b"q")]
        await wire.close()


async def test_http_1_0_without_host_is_served() -> None:
    app = App()
    async with serving(app) as running:
        assert (await running.once(b"GET / HTTP/1.0\r\n\r\n")).status == 200
        assert app.seen[0].host is None


async def test_requests_before_a_hostile_one_get_their_response() -> None:
    async with serving(App()) as running:
        wire = await running.connect()
        good = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        await wire.send(good + good + BAD["two lengths"] + good)
        assert [(await wire.response()).status for _ in range(3)] == [200, 200, 400]
        assert await wire.rest() == b""
        await wire.close()


async def test_a_refusal_follows_accept() -> None:
    async with serving(App()) as running:
        response = await running.once(
            b"TRACE / HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n"
        )
        assert response.body == b'{"message":"Method not allowed"}'


async def test_an_unknown_expectation_is_417() -> None:
    async with serving(App()) as running:
        assert (await running.once(post(b"b", b"Expect: tea"))).status == 417
