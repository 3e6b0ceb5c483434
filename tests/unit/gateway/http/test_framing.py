# SPDX-License-Identifier: Apache-2.0
"""Bodies end where they say, however they are cut."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ProtocolError
from gateway.http.framing import Chunked, Counted
from tests.support.http import App, chunked, serving

BEHIND = b"GET / HTTP/1.1\r\n"


def _taken(framing: Chunked | Counted, data: bytes, cuts: list[int]) -> tuple[bytes, bytes]:
    """Feed ``data`` in pieces; return the body, and what was left behind it."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    body = b""
    for start, end in pairwise(places):
        at = start
        while at < end:
            piece, at, complete = framing.take(data[:end], at)
            body += piece
            if complete:
                return body, data[at:]
    raise AssertionError("the body never ended")


@given(
    chunks=st.lists(st.binary(min_size=1, max_size=40), max_size=6),
    extension=st.sampled_from([b"", b";", b";a=b", b';q="\xff\t"']),
    trailers=st.sampled_from([b"", b"T: u\r\n", b"T:\r\nU: v\r\n"]),
    cuts=st.lists(st.integers(0, 400), max_size=12),
)
def test_chunks_are_joined_and_nothing_behind_them_is_taken(
    chunks: list[bytes], extension: bytes, trailers: bytes, cuts: list[int]
) -> None:
    data = b"".join(b"%x%b\r\n%b\r\n" % (len(one), extension, one) for one in chunks)
    data += b"0%b\r\n%b\r\n" % (extension, trailers)
    assert _taken(Chunked(), data + BEHIND, cuts) == (b"".join(chunks), BEHIND)
    every = list(range(len(data) + 1))
    assert _taken(Chunked(), data + BEHIND, every) == (b"".join(chunks), BEHIND)


@given(body=st.binary(min_size=1, max_size=60), cuts=st.lists(st.integers(0, 80), max_size=5))
def test_as_many_bytes_are_taken_as_were_said(body: bytes, cuts: list[int]) -> None:
    assert _taken(Counted(len(body)), body + BEHIND, cuts) == (body, BEHIND)


@pytest.mark.parametrize(
    "data",
    [
        b"1 \r\nx\r\n",
        b"\r\n",
        b"g\r\n",
        b"-1\r\n",
        b"1\nx",
        b"1\r\nxy",
        b"1\r\nx\n",
        b"1\r\nx\r0",
        b"%b\r\n" % (b"f" * 17),
        b"1;\x00\r\n",
        b"0\r\n T: u\r\n",
        b"0\r\nT u\r\n",
        b"0\r\nT: \x01\r\n",
        b"0\r\n\n",
        b"1;%b" % (b"x" * 9000),
        b"0\r\nT: %b" % (b"x" * 9000),
        b"0\r\n" + b"T: u\r\n" * 6000,
        b"1;%b\r\nx\r\n" % (b"x" * 1000) * 40,
    ],
)
@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_framing_that_could_be_read_otherwise_is_refused(data: bytes, step: int) -> None:
    framing = Chunked()
    with pytest.raises(ProtocolError):
        for start in range(0, len(data), step):
            piece, at = data[start : start + step], 0
            while at < len(piece):
                at = framing.take(piece, at)[1]


def test_honest_small_chunks_are_not_taken_for_an_attack() -> None:
    data = b"1\r\nx\r\n" * 100_000
    framing, at, size = Chunked(), 0, 0
    while at < len(data):
        body, at, complete = framing.take(data, at)
        size += len(body)
    assert (size, complete) == (100_000, False)


_CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


BAD_CHUNKS = {
    "bare LF": b"1\nx\n0\n\n",
    "a space behind the size": b"1 \r\nx\r\n0\r\n\r\n",
    "a negative size": b"-1\r\nx\r\n0\r\n\r\n",
    "a size with 0x": b"0x1\r\nx\r\n0\r\n\r\n",
    "an overflowing size": b"ffffffffffffffffff\r\nx\r\n0\r\n\r\n",
    "more bytes than said": b"1\r\nxy\r\n0\r\n\r\n",
    "a line end inside an extension": b"1;a\nb\r\nx\r\n0\r\n\r\n",
    "endless extensions": b"1;" + b"a" * 200000,
    "endless trailers": b"0\r\n" + b"X: y\r\n" * 50000,
}


@pytest.mark.parametrize("name", BAD_CHUNKS)
async def test_hostile_chunks_are_400_and_closed(name: str) -> None:
    app = App()
    async with serving(app) as running:
        wire = await running.connect()
        response = await wire.ask(_CHUNKED + BAD_CHUNKS[name])
        assert response.status == 400
        assert app.seen == []
        await wire.rest()
        await wire.close()


async def test_the_framing_of_many_honest_chunked_requests_does_not_add_up() -> None:
    async with serving(App()) as running:
        wire = await running.connect()
        whole = chunked(*[b"x"] * 2000)
        for _ in range(10):
            for start in range(0, len(whole), 3000):
                await wire.send(whole[start : start + 3000])
                await asyncio.sleep(0)
            assert (await wire.response()).body == b"x" * 2000
