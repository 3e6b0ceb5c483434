# SPDX-License-Identifier: Apache-2.0
"""The heads of responses, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gateway.http.generated_responses import fixed_response
from gateway.http.messages import Request, Response
from gateway.http.server import Server
from tests.support.http import App, get, serving, text


async def test_line_ends_in_a_header_value_do_not_split_the_response() -> None:
    evil = b"a\r\nSet-Cookie: b\r\n\r\nbody"
    app = App(lambda _: Response(200, [(b"X-Echo", evil)], b"ok"))
    async with serving(app) as running:
        response = await running.once(get())
        assert response.headers["x-echo"] == "a  Set-Cookie: b    body"
        assert "set-cookie" not in response.headers
        assert response.body == b"ok"


@pytest.mark.parametrize(
    ("headers", "present"),
    [
        (("server_tokens", "latency_tokens", "X-Kong-Request-Id"), {"server", "lat", "id"}),
        (("off",), set()),
        (("server_tokens",), {"server"}),
        (("X-Kong-Response-Latency",), {"lat"}),
        (("X-Kong-Request-Id",), {"id"}),
    ],
)
async def test_own_headers_can_be_switched(headers: tuple[str, ...], present: set[str]) -> None:
    names = {"server": "server", "lat": "x-kong-response-latency", "id": "x-kong-request-id"}

    app = App(begin=lambda request: fixed_response(404, "x", request))
    async with serving(app, headers=headers) as running:
        wire = await running.connect()
        for _ in range(2):
            response = await wire.ask(get())
            assert {key for key, name in names.items() if name in response.headers} == present


def test_an_unknown_header_setting_names_the_allowed_ones() -> None:
    with pytest.raises(ValueError, match="server_tokens"):
        Server(App(), headers=("x-kong-nonsense",))


async def test_lines_for_the_response_go_with_whichever_it_is() -> None:
    async def streamed() -> AsyncIterator[bytes]:
        yield b"piece"

    def handle(request: Request) -> Response:
        request.response_lines += b"\r\nRateLimit-Limit: 5\r\nRateLimit-Reset: 1"
        if request.path == b"/fixed":
            return fixed_response(404, "nothing here", request)
        return text(200, b"whole") if request.path == b"/whole" else Response(200, [], streamed())

    async with serving(App(handle)) as running:
        wire = await running.connect()
        for path in (b"/fixed", b"/fixed", b"/whole", b"/streamed"):
            response = await wire.ask(get(path))
            told = response.headers["ratelimit-limit"], response.headers["ratelimit-reset"]
            assert told == ("5", "1")
            assert response.body
        await wire.close()


@pytest.mark.parametrize(
    ("status", "phrase"),
    [
        (200, b"OK"),
        (413, b"Request Entity Too Large"),
        (414, b"Request-URI Too Long"),
        (416, b"Requested Range Not Satisfiable"),
        (422, b"Unprocessable Entity"),
        (429, b"Too Many Requests"),
        (599, b"Unknown"),
    ],
)
async def test_a_status_has_one_phrase_on_every_python(status: int, phrase: bytes) -> None:
    async with serving(App(lambda _: text(status, b"x"))) as running:
        reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(get())
        assert await reader.readline() == b"HTTP/1.1 %d %b\r\n" % (status, phrase)
        writer.close()
        await writer.wait_closed()
