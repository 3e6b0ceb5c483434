# SPDX-License-Identifier: Apache-2.0
"""Response bodies that are still coming, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.http.messages import Request, Response
from tests.support.http import App, get, serving, standing_still, text, until


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


async def test_a_streamed_response_is_chunked_and_the_next_request_waits() -> None:
    def handle(request: Request) -> Response:
        if request.path == b"/s":
            return Response(200, [], _pieces(b"a", b"", b"bc"))
        return text(200, b"next")

    async with serving(App(handle)) as running:
        wire = await running.connect()
        await wire.send(get(b"/s") + get(b"/n"))
        response = await wire.response()
        assert response.headers["transfer-encoding"] == "chunked"
        assert response.body == b"abc"
        assert (await wire.response()).body == b"next"
        await wire.close()


async def test_a_streamed_response_with_a_length_is_not_chunked() -> None:
    headers = [(b"Content-Length", b"3")]
    app = App(lambda _: Response(200, headers, _pieces(b"a", b"bc")))
    async with serving(app) as running:
        response = await running.once(get())
        assert "transfer-encoding" not in response.headers
        assert response.body == b"abc"


@pytest.mark.parametrize("length", [b"2", b"9"])
async def test_a_streamed_response_of_another_length_is_cut(length: bytes) -> None:
    headers = [(b"Content-Length", length)]
    app = App(lambda _: Response(200, headers, _pieces(b"a", b"bc")))
    async with serving(app) as running:
        wire = await running.connect()
        await wire.send(get())
        await wire.head()
        assert len(await wire.rest()) < max(int(length), 4)
        await until(lambda: app.done)
        await wire.close()


async def test_a_streamed_response_that_breaks_has_no_last_chunk() -> None:
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
        wire.stop_reading()
        await wire.send(get())
        assert await standing_still(lambda: made) < 64 << 20
        wire.reset()
        await until(lambda: running.server.connections == 0)


class Whole:
    """A chain whose body filter wants bodies in one piece."""

    filters_responses = True
    body_filters = (1,)
    logs = ()

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def filter_head(self, request: Request, response: Response) -> None:
        """Leave the head as it is."""

    def whole_body(self, request: Request, response: Response) -> int:
        return self.limit

    def filter_body(self, request: Request, response: Response, chunk: bytes, last: bool) -> bytes:
        return b"<" + chunk + b">"


def _whole(limit: int, body: AsyncIterator[bytes], *headers: tuple[bytes, bytes]) -> App:
    def handle(request: Request) -> Response:
        chain: Any = Whole(limit)
        request.chain = chain
        return Response(200, headers, body, generated=False)

    return App(handle)


async def test_a_body_that_a_filter_wants_whole_gets_a_length_of_its_own() -> None:
    app = _whole(10, _pieces(b"a", b"bc"), (b"Content-Length", b"3"))
    async with serving(app) as running:
        response = await running.once(get())
        assert response.body == b"<abc>"
        assert response.headers["content-length"] == "5"
        assert "transfer-encoding" not in response.headers


@pytest.mark.parametrize("length", [b"", b"11"])
async def test_a_body_longer_than_a_filter_takes_whole_is_a_502(length: bytes) -> None:
    headers = ((b"Content-Length", length),) if length else ()
    app = _whole(10, _pieces(b"123456", b"78901"), *headers)
    async with serving(app) as running:
        response = await running.once(get())
        assert response.status == 502
        assert b"123" not in response.body


async def test_a_whole_body_that_breaks_off_is_a_502() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise ConnectionResetError("gone")

    async with serving(_whole(10, broken())) as running:
        assert (await running.once(get())).status == 502
