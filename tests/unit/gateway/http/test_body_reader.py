# SPDX-License-Identifier: Apache-2.0
"""Request bodies over a real socket: whole, streamed, dropped, asked for, refused."""

from __future__ import annotations

import asyncio

import pytest

from gateway.http.application import DISCARD, STREAM
from gateway.http.messages import Pending, Request
from tests.support.http import App, chunked, get, passing, post, serving, text, until


@pytest.mark.parametrize("request_bytes", [post(b"hello world"), chunked(b"hello", b" world")])
async def test_a_body_arrives_whole_however_it_is_cut(request_bytes: bytes) -> None:
    app = App()
    async with serving(app) as running:
        for size in (1, 7, len(request_bytes)):
            wire = await running.connect()
            for start in range(0, len(request_bytes), size):
                await wire.send(request_bytes[start : start + size])
                await asyncio.sleep(0)
            assert (await wire.response()).body == b"hello world"
            await wire.close()


async def test_trailers_do_not_become_headers_of_the_next_request() -> None:
    app = App()
    async with serving(app) as running:
        wire = await running.connect()
        head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        await wire.send(head + b"1\r\nx\r\n0\r\nX-Late: 1\r\n\r\n" + get())
        await wire.response()
        await wire.response()
        assert [request.header(b"x-late") for request in app.seen] == [None, None]
        await wire.close()


async def test_a_request_with_half_its_body_waits_for_the_rest() -> None:
    async with serving(App()) as running:
        wire = await running.connect()
        whole = post(b"abcdef")
        assert (await wire.ask(whole)).body == b"abcdef"
        await wire.send(whole[:-3])
        await passing(0.01)
        assert (await wire.ask(whole[-3:])).body == b"abcdef"
        await wire.send(whole + whole)
        assert [(await wire.response()).body for _ in range(2)] == [b"abcdef"] * 2
        await wire.close()


async def test_expect_100_continue_is_answered_before_the_body() -> None:
    async with serving(App()) as running:
        wire = await running.connect()
        whole = post(b"body", b"Expect: 100-continue")
        await wire.send(whole[:-4])
        assert (await wire.head())[0] == 100
        assert (await wire.ask(whole[-4:])).body == b"body"
        await wire.close()


async def test_expect_100_continue_waits_for_its_turn() -> None:
    pending = Pending()
    app = App(lambda request: pending if request.method == b"GET" else text(200, request.body))
    async with serving(app) as running:
        wire = await running.connect()
        whole = post(b"body", b"Expect: 100-continue")
        await wire.send(get() + whole[:-4])
        await until(lambda: app.seen)
        pending.resolve(text(200, b"first"))
        assert (await wire.response()).body == b"first"
        assert (await wire.head())[0] == 100
        assert (await wire.ask(whole[-4:])).body == b"body"
        await wire.close()


async def test_a_refused_body_is_not_asked_for() -> None:
    async with serving(App(body=3)) as running:
        response = await running.once(post(b"body", b"Expect: 100-continue")[:-4])
        assert response.status == 413
        assert response.headers["connection"] == "close"


async def test_a_stream_is_read_while_it_arrives() -> None:
    pieces: list[bytes] = []
    pending = Pending()

    async def read(request: Request) -> None:
        assert request.stream is not None
        async for piece in request.stream:
            pieces.append(piece)  # noqa: PERF401  # the test looks at it meanwhile
        pending.resolve(text(200, b"".join(pieces)))

    tasks = []

    def handle(request: Request) -> Pending:
        tasks.append(asyncio.get_running_loop().create_task(read(request)))
        return pending

    async with serving(App(handle, body=STREAM)) as running:
        wire = await running.connect()
        await wire.send(post(b"0123456789")[:-5])
        await until(lambda: b"".join(pieces) == b"01234")
        assert (await wire.ask(b"56789")).body == b"0123456789"
        await wire.close()


async def test_a_stream_that_nobody_reads_stops_the_client() -> None:
    pending = Pending()
    app = App(lambda _: pending, body=STREAM)
    async with serving(app) as running:
        wire = await running.connect()
        size = 64 << 20
        await wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(wire.send(bytes(size)), 0.3)
        stream = app.seen[0].stream
        assert stream is not None
        assert stream.buffered < 1 << 20  # type: ignore[attr-defined]  # a Channel
        wire.reset()


async def test_a_response_before_the_body_is_over_closes_the_connection() -> None:
    async with serving(App(body=STREAM)) as running:
        wire = await running.connect()
        response = await wire.ask(post(b"0123456789")[:-5])
        assert response.status == 200
        assert response.headers["connection"] == "close"
        assert await wire.rest() == b""
        await wire.close()


async def test_an_unwanted_body_is_dropped_and_the_connection_kept() -> None:
    app = App(body=DISCARD)
    async with serving(app) as running:
        wire = await running.connect()
        assert (await wire.ask(post(b"x" * 100000))).body == b"ok"
        assert (await wire.ask(chunked(b"x" * 1000))).body == b"ok"
        assert (await wire.ask(get())).body == b"ok"
        assert [request.body for request in app.seen] == [b""] * 3
        await wire.close()


async def test_a_large_unwanted_body_is_answered_early_and_closed() -> None:
    async with serving(App(body=DISCARD)) as running:
        wire = await running.connect()
        head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n"
        response = await wire.ask(head + b"x" * 1000)
        assert response.body == b"ok"
        assert response.headers["connection"] == "close"
        await wire.close()


@pytest.mark.parametrize("framing", [b"Content-Length: 2", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("body", [1 << 20, DISCARD])
async def test_the_body_behind_an_upgrade_that_is_not_followed_is_read(
    framing: bytes, body: int
) -> None:
    payload = b"hi" if b"Length" in framing else b"2\r\nhi\r\n0\r\n\r\n"
    upgrade = b"Connection: Upgrade\r\nUpgrade: h2c"
    one = b"POST / HTTP/1.1\r\nHost: a\r\n%b\r\n%b\r\n\r\n%b" % (upgrade, framing, payload)
    app = App(body=body)
    async with serving(app) as running:
        wire = await running.connect()
        await wire.send(one + get())
        response = await wire.response()
        assert response.body == (b"hi" if body > 0 else b"ok")
        assert response.headers["connection"] == "close"
        assert await wire.rest() == b""
        await wire.close()
