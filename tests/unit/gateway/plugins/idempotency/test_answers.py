# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import UpstreamError
from gateway.http.messages import Response
from gateway.http.stream import Channel
from gateway.plugins.idempotency.answers import REPLAYED, Answer, gathered, is_kept, pack, unpack

MARK = bytes(range(32))


def unpacked(value: bytes) -> Answer:
    answer = unpack(value)
    assert answer is not None
    return answer


# What a header may have: any bytes but line ends and NUL.
LINES = st.binary(max_size=20).map(lambda value: value.translate(None, b"\0\r\n"))


@settings(max_examples=50)
@given(
    st.integers(200, 499),
    st.lists(st.tuples(st.just(b"X-One"), LINES), max_size=4),
    st.binary(max_size=200),
)
def test_an_answer_comes_back_as_it_was(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    answer = unpacked(pack(MARK, Response(status, headers, body), whole=True))
    assert answer.mark == MARK
    assert answer.response is not None
    assert (answer.response.status, answer.response.body) == (status, body)
    assert answer.response.headers == [*headers, REPLAYED]


def test_cookies_and_framing_are_not_replayed() -> None:
    headers = [(b"Set-Cookie", b"a=1"), (b"Content-Length", b"3"), (b"X-A", b"1")]
    answer = unpacked(pack(MARK, Response(200, headers, b"abc"), whole=True))
    assert answer.response is not None
    assert answer.response.headers == [(b"X-A", b"1"), REPLAYED]


@pytest.mark.parametrize(
    ("status", "kept"),
    [(200, True), (207, True), (400, True), (404, True), (413, True), (422, True)]
    + [(status, False) for status in (101, 408, 409, 425, 429, 500, 502, 503, 504)],
)
def test_failures_and_calls_to_try_again_are_not_final(status: int, kept: bool) -> None:
    assert is_kept(status) is kept


async def test_a_short_stream_becomes_whole_and_a_long_one_goes_on() -> None:
    response, whole = await gathered(Response(200, [], _stream(b"ab", b"cd")), 4)
    assert whole
    assert response.body == b"abcd"
    response, whole = await gathered(Response(200, [], _stream(b"ab", b"cd", b"ef", b"gh")), 4)
    assert not whole
    assert not isinstance(response.body, bytes)
    assert [piece async for piece in response.body] == [b"ab", b"cd", b"ef", b"gh"]  # type: ignore[union-attr]  # a stream
    assert unpacked(pack(MARK, response, whole=False)).response is None


async def test_closing_what_goes_on_closes_the_stream_behind() -> None:
    closed: list[bool] = []
    channel = Channel(10, _nothing, _nothing, on_close=lambda: closed.append(True))
    channel.feed(b"12345")
    response, _ = await gathered(Response(200, [], channel), 4)
    await response.body.aclose()  # type: ignore[union-attr]  # a stream
    assert closed == [True]


async def test_a_large_body_that_is_whole_stays_whole_for_the_client() -> None:
    response, whole = await gathered(Response(200, [], b"12345"), 4)
    assert (response.body, whole) == (b"12345", False)


async def _stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _nothing() -> None:
    pass


async def test_a_stream_that_breaks_off_is_the_upstreams_failure() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        raise ConnectionResetError("gone")

    with pytest.raises(UpstreamError) as caught:
        await gathered(Response(200, [], broken()), 4)
    assert caught.value.status == 502


@pytest.mark.parametrize("status", ["200", None, True, 200.0, 101, 0, 10**6])
def test_an_answer_with_another_status_is_none(status: Any) -> None:
    assert unpack(_packed(status, [])) is None


@pytest.mark.parametrize(
    "headers",
    [{"ab": 1}, ["ab"], "ab", None, [["a", 1]], [["", "b"]], [["a\r\nb", "c"]], [["a", "\n"]]],
)
def test_an_answer_with_what_is_no_header_is_none(headers: Any) -> None:
    assert unpack(_packed(200, headers)) is None


def _packed(status: Any, headers: Any) -> bytes:
    head = orjson.dumps([status, headers, False, True])
    return MARK + len(head).to_bytes(4, "big") + head


@settings(max_examples=50)
@given(st.binary(max_size=80))
def test_what_something_else_made_is_no_answer(value: bytes) -> None:
    assert unpack(value) is None
