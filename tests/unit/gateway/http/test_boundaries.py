# SPDX-License-Identifier: Apache-2.0
"""No message becomes part of another, wherever the network cuts the bytes; over real sockets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from gateway.http.limits import Limits
from gateway.http.messages import Request, Response
from gateway.http.protocol import HttpProtocol
from tests.support.http import App, Wire, chunked, get, post, serving, text, until

Send = Callable[..., Awaitable[None]]

HEAD = b"HEAD /open/x HTTP/1.1\r\nHost: h\r\n\r\n"
NAMED = {
    "GET": get(b"/open/x"),
    "HEAD": HEAD,
    "POST": post(b"body", path=b"/open/x"),
    "chunked": chunked(b"body", path=b"/open/x"),
    "another method": b"CUSTOM /open/x HTTP/1.1\r\nHost: h\r\n\r\n",
}


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Send:
    """Return what sends pieces so that the server reads each by itself."""
    reads: list[bytes] = []
    original = HttpProtocol.data_received

    def noting(self: HttpProtocol, data: bytes) -> None:
        reads.append(data)
        original(self, data)

    async def send(wire: Wire, *pieces: bytes) -> None:
        for piece in pieces:
            before = len(reads)
            await wire.send(piece)
            await until(lambda before=before: len(reads) > before)  # type: ignore[misc]  # a default

    monkeypatch.setattr(HttpProtocol, "data_received", noting)
    return send


def _telling(request: Request) -> Response:
    """Answer what was asked, and with which key."""
    key = request.header(b"apikey") or b"none"
    return text(200, b"%b %b %b %b" % (request.method, request.target, key, request.body))


def _asked(app: App) -> list[tuple[bytes, bytes, bytes | None, bytes]]:
    return [(one.method, one.target, one.header(b"apikey"), one.body) for one in app.seen]


@pytest.mark.parametrize(
    "cut", [b"Ho", b"Host: h\r", b"Host: h\r\nap", b"Host: h\r\napikey: alice"]
)
@pytest.mark.parametrize("name", NAMED)
async def test_a_head_that_came_in_two_pieces_lends_nothing_to_what_follows(
    send: Send, cut: bytes, name: str
) -> None:
    app = App(_telling)
    async with serving(app) as running:
        wire = await running.connect()
        lines = b"Host: h\r\napikey: alice-key\r\n\r\n"
        await send(wire, b"GET /secret/alice HTTP/1.1\r\n" + cut, lines.removeprefix(cut))
        assert b"alice-key" in (await wire.response()).body
        for _ in range(3):
            await send(wire, NAMED[name])
            await wire.response(bodyless=name == "HEAD")
    method = NAMED[name].split(b" ")[0]
    assert [one[:3] for one in _asked(app)[1:]] == [(method, b"/open/x", None)] * 3


async def test_a_head_is_remembered_neither_for_itself_nor_for_another(send: Send) -> None:
    # What comes of the second's head and body with the first is as long as its body.
    first, second = get(b"/a"), post(b"0123456789" + b"b" * 54, path=b"/b?long")
    assert len(second) - 64 == 54
    late = second[-54:]
    other = b"GET /c HTTP/1.1\r\nHost: a\r\nX: %b\r\n\r\n"
    other %= b"x" * (64 - len(other % b""))
    app = App(_telling)
    async with serving(app) as running:
        wire = await running.connect()
        await send(wire, first + second[:-54], late, first + other)
        bodies = [(await wire.response()).body for _ in range(4)]
    assert [body.split(b" ")[1] for body in bodies] == [b"/a", b"/b?long", b"/a", b"/c"]
    assert len(app.seen) == 4
    assert app.seen[1].body == second[-64:]


async def test_the_beginning_of_a_head_is_never_lost_to_a_repeated_one(send: Send) -> None:
    app = App(_telling)
    async with serving(app) as running:
        wire = await running.connect()
        again = get(b"/again")
        await send(wire, again, again + b"GET /p HTTP/1.1\r\nX: ", again)
        targets = [(await wire.response()).body.split(b" ")[1] for _ in range(3)]
        assert targets == [b"/again", b"/again", b"/p"]
    assert [request.target for request in app.seen] == targets
    assert app.seen[2].header(b"x") == b"GET /again HTTP/1.1"


@pytest.mark.parametrize("method", [b"PGET", b"CUSTOM", b"GETS", b"M-SEARCH", b"DESCRIBE", b"X"])
@pytest.mark.parametrize("before", [b"", get(b"/before"), post(b"x"), chunked(b"x"), b"\r\n\r\n"])
async def test_a_method_may_be_cut_anywhere(send: Send, method: bytes, before: bytes) -> None:
    app = App(_telling)
    whole = b"%b /open/x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi" % method
    async with serving(app) as running:
        wire = await running.connect()
        for cut in range(len(method) + 2):
            app.seen.clear()
            await send(wire, before + whole[:cut], whole[cut:] + get(b"/behind")) if (
                before or cut
            ) else await send(wire, whole + get(b"/behind"))
            await until(lambda: app.seen and app.seen[-1].target == b"/behind")
            assert app.seen[-2].method == method
            assert app.seen[-2].body == b"hi"
            assert len(app.seen) == 2 + bool(before.strip())


@pytest.mark.parametrize("start", [b"P", b"CUSTOM", b"GET /", b"GET / HTTP/1.1\r\nHo", b"\r\nG"])
@pytest.mark.parametrize("before", [get(), post(b"x"), chunked(b"x")])
async def test_half_a_head_behind_a_request_is_timed(start: bytes, before: bytes) -> None:
    async with serving(App(), Limits(header_timeout=0.15)) as running:
        wire = await running.connect()
        await wire.send(before + start)
        assert (await wire.response()).status == 200
        assert (await wire.response()).status == 408
        assert await wire.rest() == b""


@pytest.mark.parametrize("protocol", [b"RTSP/1.0", b"RTSP/1.1", b"ICE/1.0", b"ICE/1.1"])
@pytest.mark.parametrize("method", [b"GET", b"POST", b"OPTIONS", b"SOURCE", b"DESCRIBE"])
async def test_another_protocol_with_the_same_shape_is_400(method: bytes, protocol: bytes) -> None:
    app = App()
    async with serving(app) as running:
        wire = await running.connect()
        head = b"%b / %b\r\nHost: a\r\nConnection: keep-alive\r\n\r\n" % (method, protocol)
        await wire.send(get() + head + get())
        assert [(await wire.response()).status for _ in range(2)] == [200, 400]
        assert await wire.rest() == b""
    assert len(app.seen) == 1


CLOSING = {
    "close": get(b"/last", b"Connection: close"),
    "close among others": get(b"/last", b"Connection: keep-alive, Close"),
    "close in a second line": get(b"/last", b"Connection: keep-alive", b"Connection: close"),
    "close with a body": post(b"x", b"Connection: close", path=b"/last"),
    "HTTP/1.0": b"GET /last HTTP/1.0\r\n\r\n",
    "HTTP/1.0 with both": b"GET /last HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
    "h2c": get(b"/last", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"),
    "h2c with a body": post(b"x", b"Connection: Upgrade", b"Upgrade: h2c", path=b"/last"),
    "a handshake": get(b"/last", b"Connection: upgrade", b"Upgrade: websocket"),
    "a handshake with a body": post(
        b"x", b"Connection: upgrade", b"Upgrade: websocket", path=b"/last"
    ),
}


@pytest.mark.parametrize("name", CLOSING)
@pytest.mark.parametrize("apart", [False, True])
async def test_nothing_is_handled_behind_the_last_request(
    send: Send, name: str, apart: bool
) -> None:
    app = App()
    async with serving(app) as running:
        wire = await running.connect()
        if apart:
            await send(wire, get(b"/first") + CLOSING[name][:-1], CLOSING[name][-1:] + get())
        else:
            await send(wire, get(b"/first") + CLOSING[name] + get())
        assert (await wire.response()).headers["connection"] == "keep-alive"
        assert (await wire.response()).headers["connection"] == "close"
        assert await wire.rest() == b""
    assert [request.target for request in app.seen] == [b"/first", b"/last"]


@pytest.mark.parametrize(
    ("target", "read"),
    [
        ("/?name=Müller", b"/?name=M%C3%BCller"),
        ("/straße/%C3%BC?q=日本", b"/stra%C3%9Fe/%C3%BC?q=%E6%97%A5%E6%9C%AC"),
        ("http://a/😀#", None),
        ("http://a/😀", b"/%F0%9F%98%80"),
    ],
)
@pytest.mark.parametrize("method", [b"GET", b"POST", b"CUSTOM"])
async def test_raw_utf_8_in_a_target_is_percent_encoded(
    target: str, read: bytes | None, method: bytes
) -> None:
    app = App()
    async with serving(app) as running:
        wire = await running.connect()
        head = b"%b %b HTTP/1.1\r\nHost: a\r\n\r\n" % (method, target.encode())
        await wire.send(head + head)
        if read is None:
            assert (await wire.response()).status == 400
            return
        assert [(await wire.response()).status for _ in range(2)] == [200, 200]
    assert [request.target for request in app.seen] == [read, read]
