# SPDX-License-Identifier: Apache-2.0
"""One head at a time: what it says, and that nothing of it reaches the next."""

from __future__ import annotations

from time import thread_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import ProtocolError
from gateway.http.head_parser import HeadParser, may_begin

HEADS = {
    "GET": b"GET /a?b HTTP/1.1\r\nHost: h\r\nX: 1\r\n\r\n",
    "POST": b"POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n",
    "chunked": b"POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
    "Upgrade": b"GET /d HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "close": b"GET /e HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    "HTTP/1.0": b"GET /f HTTP/1.0\r\n\r\n",
    "CONNECT": b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n",
    "another method": b"CUSTOM /g HTTP/1.1\r\nHost: h\r\n\r\n",
    "UTF-8": "GET /ü HTTP/1.1\r\nHost: h\r\n\r\n".encode(),
    "tabs": b"POST /h HTTP/1.1\r\nHost:\th\t\r\nTransfer-Encoding:\tchunked \t\r\n\r\n",
}
BAD = [
    b"GET / HTTP/1.1\r\nHost : h\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\n \r\nX: y\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"CUSTOM / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    b"CUSTOM / HTTP/1.1\r\nX: y\n\r\n\r\n",
    b"GET / RTSP/1.0\r\n\r\n",
    b"DESCRIBE / RTSP/1.0\r\n\r\n",
    b"GET / HTTP/2.0\r\n\r\n",
    b"GET /\r\n\r\n",
    b"GET /\xff HTTP/1.1\r\n\r\n",
    b"get / HTTP/1.1\r\n\r\n",
    b"%b / HTTP/1.1\r\n\r\n" % (b"X" * 33),
    b"\r\n\r\n",
]


def _read_alone(head: bytes) -> object:
    try:
        return HeadParser().read(head)
    except ProtocolError as error:
        return error.status


@given(order=st.lists(st.sampled_from([*HEADS.values(), *BAD]), min_size=2, max_size=8))
@example([HEADS["close"], HEADS["CONNECT"]])
def test_a_head_is_read_the_same_whatever_was_read_before(order: list[bytes]) -> None:
    parser = HeadParser()
    for head in order:
        try:
            found: object = parser.read(head)
        except ProtocolError as error:
            found = error.status
        if head == HEADS["POST"]:
            parser.complete(b"abc")
        elif head in (HEADS["chunked"], HEADS["tabs"]):
            parser.forget()
        assert found == _read_alone(head)


@pytest.mark.parametrize("head", BAD)
def test_what_is_no_head_is_400(head: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        HeadParser().read(head)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("name", "method", "target", "version"),
    [
        ("GET", b"GET", b"/a?b", "1.1"),
        ("Upgrade", b"GET", b"/d", "1.1"),
        ("HTTP/1.0", b"GET", b"/f", "1.0"),
        ("CONNECT", b"CONNECT", b"h:1", "1.1"),
        ("another method", b"CUSTOM", b"/g", "1.1"),
        ("UTF-8", b"GET", b"/%C3%BC", "1.1"),
    ],
)
def test_a_request_line_is_told(name: str, method: bytes, target: bytes, version: str) -> None:
    assert HeadParser().read(HEADS[name])[:3] == (method, target, version)


def test_headers_are_lower_case_and_without_white_space_around() -> None:
    headers = HeadParser().read(HEADS["tabs"])[3]
    assert headers == [(b"host", b"h"), (b"transfer-encoding", b"chunked")]


@pytest.mark.parametrize("name", HEADS)
def test_every_beginning_of_a_head_may_begin_one(name: str) -> None:
    head = HEADS[name]
    assert all(may_begin(head[:size]) for size in range(1, len(head)))


@pytest.mark.parametrize(
    "begun",
    [
        b"\x16\x03\x01",
        b"get",
        b"G\x00",
        b"GET /\n",
        b"GET / HTTP/1.1\n",
        b"GET / HTTP/1.1\r\nHost: h\n",
        b"GET / HTTP/1.2\r\n",
        b"GET / RTSP/1.0\r\nX",
        b"X" * 33,
        b" ",
    ],
)
def test_what_cannot_become_a_head_is_seen_at_once(begun: bytes) -> None:
    assert not may_begin(begun)


@pytest.mark.parametrize("end", [b"\x00", b"\x7f", b"\n"])
@pytest.mark.parametrize("filling", [b" ", b"a", b"a ", b"%", b"\xc3\xbc"])
def test_a_beginning_takes_no_more_time_than_its_length(filling: bytes, end: bytes) -> None:
    begun = b"GET " + filling * (8000 // len(filling)) + end
    started = thread_time()
    assert not may_begin(begun)
    # Linear it is 0.1 ms, quadratic 600.
    assert thread_time() - started < 0.1
