# SPDX-License-Identifier: Apache-2.0
"""Each limit has its status, and what stays below it passes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest

from gateway.http.application import DISCARD, STREAM
from gateway.http.limits import Limits, limits_of
from gateway.http.messages import Pending, Request, Response
from gateway.http.stream import Channel
from gateway.settings.settings import Settings
from tests.support.http import (
    App,
    ReceivedResponse,
    Wire,
    chunked,
    get,
    passing,
    plugged,
    post,
    serving,
    text,
    until,
)
from tests.support.waiting import PATIENCE

_SHORT = 0.15


async def test_a_long_target_is_414() -> None:
    async with serving(App(), Limits(max_request_line=100)) as running:
        assert (await running.once(get(b"/" + b"x" * 99))).status == 200
        response = await running.once(get(b"/" + b"x" * 100))
        assert response.status == 414
        assert response.headers["connection"] == "close"
        assert response.body == b"URI too long\n"


async def test_a_target_that_never_ends_is_414() -> None:
    async with serving(App(), Limits(max_request_line=100)) as running:
        assert (await running.once(b"GET /" + b"x" * 200)).status == 414


async def test_large_headers_are_431() -> None:
    async with serving(App(), Limits(max_header_size=1000)) as running:
        assert (await running.once(get(b"/", b"X: " + b"y" * 900))).status == 200
        response = await running.once(get(b"/", b"X: " + b"y" * 1000))
        assert response.status == 431
        assert response.body == b"Request header or cookie too large\n"


async def test_headers_that_never_end_are_431() -> None:
    async with serving(App(), Limits(max_header_size=1000)) as running:
        wire = await running.connect()
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        response = await wire.ask(b"X: " + b"y" * 20000)
        assert response.status == 431
        await wire.close()


async def test_too_many_headers_are_431() -> None:
    async with serving(App(), Limits(max_headers=10)) as running:
        assert (await running.once(get(b"/", *[b"X: y"] * 9))).status == 200
        assert (await running.once(get(b"/", *[b"X: y"] * 10))).status == 431


@pytest.mark.parametrize("whole", [post(b"x" * 101), chunked(b"x" * 60, b"x" * 41)])
@pytest.mark.parametrize("limits", [Limits(), Limits(max_body_size=100)])
async def test_a_large_body_is_413(whole: bytes, limits: Limits) -> None:
    app = App(body=1 << 20 if limits.max_body_size else 100)
    async with serving(app, limits) as running:
        wire = await running.connect()
        assert (await wire.ask(post(b"x" * 100))).status == 200
        assert (await wire.ask(chunked(b"x" * 100))).status == 200
        response = await wire.ask(whole)
        assert response.status == 413
        assert response.headers["connection"] == "close"
        assert response.body == b"Payload too large\n"
        assert len(app.seen) == 2
        await wire.close()


async def test_each_request_is_held_to_its_own_limit() -> None:
    sizes = iter((100, 100, 10))
    app = App(begin=lambda _: next(sizes))
    async with serving(app) as running:
        wire = await running.connect()
        statuses = [(await wire.ask(post(b"x" * 50))).status for _ in range(3)]
        assert statuses == [200, 200, 413]
        await wire.close()


async def test_a_large_stream_is_413_where_it_is_read() -> None:
    pending = Pending()
    tasks = []

    async def read(stream: object) -> None:
        try:
            async for _ in stream:  # type: ignore[attr-defined]  # a BodyStream
                pass
        except Exception as error:
            pending.resolve(text(getattr(error, "status", 0), b""))

    def handle(request: object) -> Pending:
        stream = request.stream  # type: ignore[attr-defined]  # a Request
        tasks.append(asyncio.get_running_loop().create_task(read(stream)))
        return pending

    app = App(handle, body=STREAM)
    async with serving(app, Limits(max_body_size=100)) as running:
        response = await running.once(chunked(b"x" * 60, b"x" * 60))
        assert response.status == 413
        assert response.headers["connection"] == "close"


async def test_one_connection_too_many_is_503() -> None:
    async with serving(App(), Limits(max_connections=1)) as running:
        first = await running.connect()
        assert (await first.ask(get())).status == 200
        second = await running.connect()
        response = await second.response()
        assert response.status == 503
        assert response.headers["connection"] == "close"
        await second.close()
        assert running.server.refused == 1
        assert (await first.ask(get())).status == 200
        await first.close()
        await until(lambda: running.server.connections == 0)
        assert (await running.once(get())).status == 200


async def test_a_flood_of_connections_holds_few_more_than_the_limit() -> None:
    async with serving(App(), Limits(max_connections=8)) as running:
        wires = [await running.connect() for _ in range(100)]
        for wire in wires[26:]:
            assert await wire.rest() == b""
        assert (await wires[0].ask(get())).status == 200
        assert running.server.refused == 92


@pytest.mark.parametrize("start", [b"G", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
async def test_a_slow_head_is_408(start: bytes) -> None:
    async with serving(App(), Limits(header_timeout=_SHORT)) as running:
        response = await running.once(start)
        assert response.status == 408
        assert response.body == b"Request timeout\n"


async def test_a_head_sent_byte_by_byte_is_408_all_the_same() -> None:
    async with serving(App(), Limits(header_timeout=_SHORT)) as running:
        wire = await running.connect()
        status = asyncio.create_task(wire.response())
        await wire.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ")
        while not status.done():
            await wire.send(b"y")
            await passing(0.02)
        assert (await status).status == 408
        await wire.close()


async def test_a_slow_body_is_408() -> None:
    app = App()
    async with serving(app, Limits(body_timeout=_SHORT)) as running:
        response = await running.once(post(b"body")[:-1])
        assert response.status == 408
        assert app.seen == []


def _dripping(wire: Wire, pieces: Iterable[bytes], response: asyncio.Task[ReceivedResponse]) -> Any:
    """Send a piece every 20 ms until there is a response."""

    async def drip() -> None:
        for piece in pieces:
            if response.done():
                return
            await wire.send(piece)
            await passing(0.02)

    return drip()


_FEW = Limits(body_rate=20_000, body_rate_period=_SHORT)
_DRIPS = {
    "by length": (post(bytes(100_000))[:-100_000], b"x"),
    "chunked": (chunked()[:-5], b"1\r\nx\r\n"),
    "in extensions": (chunked()[:-5], b"1;" + b"e" * 1000 + b"\r\nx\r\n"),
}


@pytest.mark.parametrize("name", _DRIPS)
@pytest.mark.parametrize("body", [1 << 20, DISCARD])
async def test_a_body_that_drips_is_408(name: str, body: int) -> None:
    app = App(body=body)
    async with serving(app, _FEW) as running:
        wire = await running.connect()
        head, drip = _DRIPS[name]
        await wire.send(head)
        response = asyncio.create_task(wire.response())
        await _dripping(wire, itertools.repeat(drip), response)
        assert (await response).status == 408
        assert await wire.rest() == b""
        assert app.seen == []


@pytest.mark.parametrize("limits", [Limits(body_rate=0, body_rate_period=0.01), Limits()])
async def test_a_slow_body_is_read_where_it_may_be(limits: Limits) -> None:
    async with serving(App(), limits) as running:
        wire = await running.connect()
        response = asyncio.create_task(wire.response())
        whole = post(b"0123456789")
        await wire.send(whole[:-10])
        await _dripping(wire, [b"%d" % number for number in range(10)], response)
        assert (await response).body == b"0123456789"


async def test_a_body_is_not_slow_while_the_gateway_does_not_read_it() -> None:
    app = App(lambda _: Pending(), body=STREAM)
    limits = Limits(body_rate=1 << 30, body_rate_period=_SHORT, stream_buffer=1000)
    async with serving(app, limits) as running:
        wire = await running.connect()
        await wire.send(post(bytes(100_000))[:-1])
        await until(lambda: app.seen)
        await passing(3 * _SHORT)
        assert app.done == []
        stream = app.seen[0].stream
        assert isinstance(stream, Channel)
        assert stream.error is None
        assert not stream.complete
        assert not wire.reader.at_eof()


async def test_a_body_is_not_slow_while_its_client_waits_for_100_continue() -> None:
    pendings: list[Pending] = []

    def handle(request: Request) -> Response | Pending:
        if request.path == b"/slow":
            pendings.append(Pending())
            return pendings[-1]
        return text(200, request.body)

    limits = Limits(body_rate=1 << 30, body_rate_period=_SHORT, body_timeout=_SHORT)
    async with serving(App(handle), limits) as running:
        wire = await running.connect()
        await wire.send(get(b"/slow") + post(b"late", b"Expect: 100-continue")[:-4])
        await until(lambda: pendings)
        await passing(3 * _SHORT)
        pendings[0].resolve(text(200, b"first"))
        assert (await wire.response()).body == b"first"
        assert (await wire.response()).status == 100


@pytest.mark.parametrize(
    "flood",
    [get() * 8_000, b"\r\n" * 100_000 + get(), chunked(*[b"x"] * 60_000)],
    ids=["pipelined requests", "empty lines", "tiny chunks"],
)
def test_a_flood_on_one_connection_leaves_others_their_turn(flood: bytes) -> None:
    """However much there is to read at once, no more than so many steps are made in a row."""
    loop = asyncio.new_event_loop()
    app = App()
    protocol, plug = plugged(app, loop)
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        if plug.reading:
            loop.stop()
        else:
            loop.call_soon(turn)

    protocol.data_received(flood)
    assert len(app.seen) <= 64
    loop.call_soon(turn)
    loop.run_forever()
    loop.close()
    assert len(app.seen) == flood.count(b"Host")
    assert plug.written.count(b"HTTP/1.1 200") == len(app.seen)
    assert turns >= flood.count(b"Host") // 64 - 1


def test_the_least_rate_is_a_setting() -> None:
    assert limits_of(Settings.parse({})).body_rate == 1000
    assert limits_of(Settings.parse({"client_body_min_rate": "0"})).body_rate == 0


async def test_an_idle_connection_is_closed_without_a_word() -> None:
    async with serving(App(), Limits(idle_timeout=_SHORT)) as running:
        wire = await running.connect()
        assert (await wire.ask(get())).status == 200
        assert await wire.rest() == b""
        await wire.close()


@pytest.mark.parametrize("before", [b"", get()])
async def test_empty_lines_keep_no_connection(before: bytes) -> None:
    async with serving(App(), Limits(idle_timeout=_SHORT)) as running:
        wire = await running.connect()
        if before:
            assert (await wire.ask(before)).status == 200
        end = asyncio.create_task(wire.rest())
        while not end.done():
            with suppress(ConnectionError):
                await wire.send(b"\r\n")
            await passing(0.02)
        assert await end == b""


async def test_a_request_behind_empty_lines_begins_with_its_own_first_byte() -> None:
    protocol, plug = plugged(App(lambda _: Pending()), asyncio.get_running_loop())
    protocol.context.clock.now += 70
    protocol.data_received(b"\r\n\r\nGET / HT")
    protocol.context.clock.now += 10
    protocol.check(protocol.context.clock.now)
    assert not plug.closed


async def test_a_response_under_way_is_not_idle() -> None:
    pending = Pending()
    limits = Limits(idle_timeout=_SHORT, header_timeout=_SHORT, body_timeout=_SHORT)
    async with serving(App(lambda _: pending), limits) as running:
        wire = await running.connect()
        await wire.send(get())
        await passing(3 * _SHORT)
        pending.resolve(text(200, b"late"))
        assert (await wire.response()).body == b"late"
        await wire.close()


@pytest.mark.parametrize("last", [b"X: 1", b"Connection: close"])
async def test_a_client_that_reads_slowly_gets_everything(last: bytes) -> None:
    size = 32 << 20
    app = App(lambda _: text(200, bytes(size)))
    async with serving(app, Limits(write_timeout=1, linger=1)) as running:
        wire = await running.connect()
        await wire.send(get(b"/", last))
        await wire.head()
        got = 0
        # Twice as long as either limit, but never long without reading.
        for _ in range(30):
            await asyncio.sleep(1 / 15)
            got += len(await wire.reader.readexactly(size // 100))
        await asyncio.wait_for(wire.reader.readexactly(size - got), PATIENCE)


async def test_a_client_that_never_reads_is_cut() -> None:
    app = App(lambda _: text(200, bytes(32 << 20)))
    async with serving(app, Limits(write_timeout=_SHORT)) as running:
        wire = await running.connect()
        wire.stop_reading()
        await wire.send(get())
        await until(lambda: app.done)
        await until(lambda: running.server.connections == 0)
        wire.reset()
