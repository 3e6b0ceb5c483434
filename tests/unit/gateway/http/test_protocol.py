# SPDX-License-Identifier: Apache-2.0
"""One connection over a real socket: requests in, answers out, in order."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from gateway.errors import RequestRejected
from gateway.http.application import DISCARD, STREAM
from gateway.http.generated_responses import NO_ROUTE, fixed_response
from gateway.http.messages import Pending, Request, Response
from gateway.http.protocol import HttpProtocol
from tests.support.http import App, chunked, get, plugged, post, serving, text, until


async def test_a_request_without_a_route_gets_exactly_the_known_body() -> None:
    app = App(begin=lambda request: fixed_response(404, NO_ROUTE, request))
    async with serving(app) as running:
        wire = await running.connect()
        for _ in range(3):
            answer = await wire.ask(get(b"/nowhere"))
            assert answer.status == 404
            assert answer.body == b'{"message":"no Route matched with those values"}'
            assert answer.headers["content-length"] == "48"
            assert answer.headers["content-type"] == "application/json; charset=utf-8"
            assert answer.headers["x-kong-response-latency"] == "0"
            assert answer.headers["server"].startswith("kafka-gateway/")
        await wire.close()


async def test_each_answer_has_its_own_request_id() -> None:
    app = App(begin=lambda request: fixed_response(404, NO_ROUTE, request))
    async with serving(app) as running:
        wire = await running.connect()
        ids = [(await wire.ask(get())).headers["x-kong-request-id"] for _ in range(20)]
        assert len(set(ids)) == 20
        assert all(len(one) == 32 and set(one) <= set("0123456789abcdef") for one in ids)
        await wire.close()


async def test_pipelined_requests_are_answered_in_order_though_the_first_answers_last() -> None:
    pendings: list[Pending] = []

    def handle(request: Request) -> Response | Pending:
        if request.path == b"/slow":
            pendings.append(Pending())
            return pendings[-1]
        return text(200, request.path)

    app = App(handle)
    async with serving(app) as running:
        wire = await running.connect()
        await wire.send(get(b"/slow") + get(b"/b") + post(b"x", path=b"/c"))
        await until(lambda: pendings)
        assert len(app.seen) == 1, "a later request must wait for the one before"
        pendings[0].resolve(text(200, b"/slow"))
        bodies = [(await wire.answer()).body for _ in range(3)]
        assert bodies == [b"/slow", b"/b", b"/c"]
        await wire.close()


async def test_many_pipelined_requests_wait_without_being_lost() -> None:
    first = Pending()

    def handle(request: Request) -> Response | Pending:
        return first if request.path == b"/0" else text(200, request.path)

    async with serving(App(handle)) as running:
        wire = await running.connect()
        count = 3000
        sending = asyncio.create_task(
            wire.send(b"".join(get(b"/%d" % number) for number in range(count)))
        )
        await until(lambda: running.server.connections)
        await asyncio.sleep(0)
        first.resolve(text(200, b"/0"))
        for number in range(count):
            assert (await wire.answer()).body == b"/%d" % number
        await sending
        await wire.close()


@pytest.mark.parametrize("request_bytes", [post(b"hello world"), chunked(b"hello", b" world")])
async def test_a_body_arrives_whole_however_it_is_cut(request_bytes: bytes) -> None:
    app = App()
    async with serving(app) as running:
        for size in (1, 7, len(request_bytes)):
            wire = await running.connect()
            for start in range(0, len(request_bytes), size):
                await wire.send(request_bytes[start : start + size])
                await asyncio.sleep(0)
            assert (await wire.answer()).body == b"hello world"
            await wire.close()


async def test_trailers_do_not_become_headers_of_the_next_request() -> None:
    app = App()
    async with serving(app) as running:
        wire = await running.connect()
        head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        await wire.send(head + b"1\r\nx\r\n0\r\nX-Late: 1\r\n\r\n" + get())
        await wire.answer()
        await wire.answer()
        assert [request.header(b"x-late") for request in app.seen] == [None, None]
        await wire.close()


async def test_requests_with_the_same_head_keep_their_bodies_and_headers_apart() -> None:
    def handle(request: Request) -> Response:
        request.headers.append((b"x-added", b"1"))
        assert len(request.header_values(b"x-added")) == 1
        return text(200, request.body)

    app = App(handle)
    async with serving(app) as running:
        wire = await running.connect()
        for number in range(30):
            body = b"%03d" % number
            assert (await wire.ask(post(body))).body == body
        assert len({id(request) for request in app.seen}) == 30
        await wire.close()


async def test_a_request_with_half_its_body_waits_for_the_rest() -> None:
    async with serving(App()) as running:
        wire = await running.connect()
        whole = post(b"abcdef")
        assert (await wire.ask(whole)).body == b"abcdef"
        await wire.send(whole[:-3])
        await asyncio.sleep(0.01)
        assert (await wire.ask(whole[-3:])).body == b"abcdef"
        await wire.send(whole + whole)
        assert [(await wire.answer()).body for _ in range(2)] == [b"abcdef"] * 2
        await wire.close()


async def test_head_gets_the_length_without_the_body() -> None:
    async with serving(App()) as running:
        wire = await running.connect()
        for _ in range(3):
            answer = await wire.ask(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", bodyless=True)
            assert answer.headers["content-length"] == "2"
        assert (await wire.ask(get())).body == b"ok"
        await wire.close()


async def test_http_1_0_closes_unless_asked_to_stay() -> None:
    async with serving(App()) as running:
        wire = await running.connect()
        answer = await wire.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert answer.headers["connection"] == "keep-alive"
        answer = await wire.ask(b"GET / HTTP/1.0\r\n\r\n")
        assert answer.headers["connection"] == "close"
        assert await wire.rest() == b""
        await wire.close()


async def test_connection_close_is_obeyed() -> None:
    async with serving(App()) as running:
        wire = await running.connect()
        answer = await wire.ask(get(b"/", b"Connection: close") + get(b"/late"))
        assert answer.headers["connection"] == "close"
        assert await wire.rest() == b""
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
        assert (await wire.answer()).body == b"first"
        assert (await wire.head())[0] == 100
        assert (await wire.ask(whole[-4:])).body == b"body"
        await wire.close()


async def test_a_refused_body_is_not_asked_for() -> None:
    async with serving(App(body=3)) as running:
        answer = await running.once(post(b"body", b"Expect: 100-continue")[:-4])
        assert answer.status == 413
        assert answer.headers["connection"] == "close"


async def test_an_unknown_expectation_is_417() -> None:
    async with serving(App()) as running:
        assert (await running.once(post(b"b", b"Expect: tea"))).status == 417


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


async def test_an_answer_before_the_body_is_over_closes_the_connection() -> None:
    async with serving(App(body=STREAM)) as running:
        wire = await running.connect()
        answer = await wire.ask(post(b"0123456789")[:-5])
        assert answer.status == 200
        assert answer.headers["connection"] == "close"
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
        answer = await wire.ask(head + b"x" * 1000)
        assert answer.body == b"ok"
        assert answer.headers["connection"] == "close"
        await wire.close()


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


async def test_a_streamed_answer_is_chunked_and_the_next_request_waits() -> None:
    def handle(request: Request) -> Response:
        if request.path == b"/s":
            return Response(200, [], _pieces(b"a", b"", b"bc"))
        return text(200, b"next")

    async with serving(App(handle)) as running:
        wire = await running.connect()
        await wire.send(get(b"/s") + get(b"/n"))
        answer = await wire.answer()
        assert answer.headers["transfer-encoding"] == "chunked"
        assert answer.body == b"abc"
        assert (await wire.answer()).body == b"next"
        await wire.close()


async def test_a_streamed_answer_with_a_length_is_not_chunked() -> None:
    headers = [(b"Content-Length", b"3")]
    app = App(lambda _: Response(200, headers, _pieces(b"a", b"bc")))
    async with serving(app) as running:
        answer = await running.once(get())
        assert "transfer-encoding" not in answer.headers
        assert answer.body == b"abc"


@pytest.mark.parametrize("length", [b"2", b"9"])
async def test_a_streamed_answer_of_another_length_is_cut(length: bytes) -> None:
    headers = [(b"Content-Length", length)]
    app = App(lambda _: Response(200, headers, _pieces(b"a", b"bc")))
    async with serving(app) as running:
        wire = await running.connect()
        await wire.send(get())
        await wire.head()
        assert len(await wire.rest()) < max(int(length), 4)
        await until(lambda: app.done)
        await wire.close()


async def test_a_streamed_answer_that_breaks_has_no_last_chunk() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise RuntimeError("upstream died")

    async with serving(App(lambda _: Response(200, [], broken()))) as running:
        wire = await running.connect()
        await wire.send(get())
        await wire.head()
        assert not (await wire.rest()).endswith(b"0\r\n\r\n")
        await wire.close()


async def test_a_client_that_does_not_read_stops_the_stream() -> None:
    made = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal made
        while True:
            made += 65536
            yield bytes(65536)
            await asyncio.sleep(0)

    app = App(lambda _: Response(200, [], endless()))
    async with serving(app) as running:
        wire = await running.connect()
        wire.reader._transport.pause_reading()  # type: ignore[attr-defined]  # the test's client
        await wire.send(get())
        last = -1
        while made != last:
            last = made
            await asyncio.sleep(0.1)
        assert made < 64 << 20
        wire.reset()
        await until(lambda: running.server.connections == 0)


async def test_a_client_that_leaves_abandons_its_pending_answer() -> None:
    abandoned: list[bool] = []
    pending = Pending()
    pending.on_abandon = lambda: abandoned.append(True)
    app = App(lambda _: pending)
    async with serving(app) as running:
        wire = await running.connect()
        await wire.send(get())
        await until(lambda: app.seen)
        wire.reset()
        await until(lambda: abandoned)
        assert [status for _, status, _ in app.done] == [499]
        pending.resolve(text(200, b"too late"))


@pytest.mark.parametrize("broken_off", [b"", b"GET /n", post(b"body")[:-1], chunked(b"a")[:-3]])
async def test_a_half_closed_client_still_gets_its_answer(broken_off: bytes) -> None:
    pending = Pending()
    app = App(lambda _: pending)
    async with serving(app) as running:
        wire = await running.connect()
        await wire.send(get() + broken_off)
        wire.writer.write_eof()
        await until(lambda: app.seen)
        await asyncio.sleep(0.01)
        pending.resolve(text(200, b"still here"))
        assert (await wire.answer()).body == b"still here"
        assert await wire.rest() == b""
        assert len(app.seen) == 1
        await wire.close()


async def test_a_handler_that_raises_is_a_500_with_the_request_id() -> None:
    def handle(request: Request) -> Response:
        raise RuntimeError("bug")

    async with serving(App(handle)) as running:
        answer = await running.once(get())
        assert answer.status == 500
        assert answer.body == b'{"message":"An unexpected error occurred"}'
        assert len(answer.headers["x-kong-request-id"]) == 32


async def test_begin_may_reject_a_request() -> None:
    def begin(request: Request) -> int:
        raise RequestRejected(403, "no")

    async with serving(App(begin=begin)) as running:
        wire = await running.connect()
        for _ in range(3):
            assert (await wire.ask(post(b"x"))).status == 403
        await wire.close()


async def test_finished_hears_of_every_answer_and_its_bytes() -> None:
    app = App()
    async with serving(app) as running:
        wire = await running.connect()
        answer = await wire.ask(get())
        assert [(s, n) for _, s, n in app.done] == [(200, len(answer.head + answer.body))]
        await wire.close()


@pytest.mark.parametrize("method", [b"CUSTOM", b"PURGE", b"QUERY", b"M-X_2"])
async def test_any_upper_case_method_reaches_the_application(method: bytes) -> None:
    app = App()
    async with serving(app) as running:
        wire = await running.connect()
        head = b"%b / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n" % method
        assert (await wire.ask(head + b"hi")).body == b"hi"
        assert (await wire.ask(get())).body == b"ok"
        assert [request.method for request in app.seen] == [method, b"GET"]
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
        answer = await wire.answer()
        assert answer.body == (b"hi" if body > 0 else b"ok")
        assert answer.headers["connection"] == "close"
        assert await wire.rest() == b""
        await wire.close()


@pytest.mark.parametrize(
    "received",
    [
        get(),
        get()[:-3],
        3 * get(),
        post(b"abc")[:-1],
        post(b"abc", b"Expect: 100-continue")[:-3],
    ],
    ids=["a request", "half a head", "pipelined", "half a body", "a body not asked for"],
)
@pytest.mark.parametrize("body", [1 << 20, STREAM, DISCARD], ids=["kept", "streamed", "dropped"])
async def test_a_lost_connection_leaves_nothing_to_the_garbage_collector(
    received: bytes, body: int
) -> None:
    app = App(lambda _: Pending(), body=body)
    gc.collect()
    gc.disable()
    try:
        protocol, plug = plugged(app, asyncio.get_running_loop())
        protocol.data_received(received)
        protocol.connection_lost(None)
        app.seen.clear()
        app.done.clear()
        del protocol, plug
        assert not [found for found in gc.get_objects() if isinstance(found, HttpProtocol)]
    finally:
        gc.enable()
