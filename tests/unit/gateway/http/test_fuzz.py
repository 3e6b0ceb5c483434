# SPDX-License-Identifier: Apache-2.0
"""Whatever comes in: requests are read as a strict second reader reads them, or refused."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.application import DISCARD
from gateway.http.messages import Request
from tests.support.fuzz import differences
from tests.support.http import App, plugged, serving, text
from tests.support.http_property import AT_ONCE, Recorder
from tests.support.http_streams import pieces, stream
from tests.support.strict_http import (
    CLOSED,
    OPEN,
    REFUSED,
    SWITCHED,
    Read,
    read_all,
    read_stream,
)

_LINES = [
    b"Host: a",
    b"Host: b",
    b"Host:",
    b"Host: a, b",
    b"Host: u@a",
    b"Content-Length: 0",
    b"Content-Length: 3",
    b"Content-Length: 03",
    b"Content-Length: +3",
    b"Content-Length: 3, 3",
    b"Content-Length : 3",
    b"Content-Length: 3 ",
    b"content-length:3",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: Chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding:\x0bchunked",
    b"Transfer-Encoding : chunked",
    b"Connection: close",
    b"Connection: keep-alive",
    b"Connection: Upgrade",
    b"Connection: Content-Length",
    b"Upgrade: h2c",
    b"Expect: 100-continue",
    b"X: y",
    b" folded",
    b"X: \xff\t.",
    b"X\x00: y",
    b"\x00",
    b"",
]
_STARTS = [
    b"GET / HTTP/1.1",
    b"POST /p?q=1 HTTP/1.1",
    b"POST / HTTP/1.0",
    b"HEAD / HTTP/1.1",
    b"GET  /  HTTP/1.1",
    b"GET http://a/x HTTP/1.1",
    b"GET http://b/x HTTP/1.1",
    b"GET a:1 HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"CONNECT a:1 HTTP/1.1",
    b"TRACE / HTTP/1.1",
    b"CUSTOM / HTTP/1.1",
    b"GET / HTTP/1.2",
    b"GET /#x HTTP/1.1",
    b"GET /",
]
_BODIES = [
    b"",
    b"abc",
    b"0\r\n\r\n",
    b"3\r\nabc\r\n0\r\n\r\n",
    b"3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n",
    b"3 \r\nabc\r\n0\r\n\r\n",
    b"3\nabc\n0\n\n",
    b"-3\r\nabc\r\n0\r\n\r\n",
    b"3\r\nabcd\r\n0\r\n\r\n",
    b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
]
_ENDS = [b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n"]


@st.composite
def _requests(draw: st.DrawFn) -> bytes:
    end = draw(st.sampled_from(_ENDS))
    lines = draw(st.lists(st.sampled_from(_LINES), max_size=4))
    if draw(st.integers(0, 3)):
        lines.insert(0, b"Host: a")
    return (
        draw(st.sampled_from(_STARTS))
        + b"\r\n"
        + b"".join(line + end for line in lines)
        + b"\r\n"
        + draw(st.sampled_from(_BODIES))
    )


@st.composite
def _inputs(draw: st.DrawFn) -> bytes:
    data = b"".join(draw(st.lists(_requests(), min_size=1, max_size=4)))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(data)))
        junk = draw(st.sampled_from([b"", b"\r", b"\n", b"\x00", b" ", b"\t", b":", b"\xff", b"0"]))
        data = data[:at] + junk + data[at + draw(st.integers(0, 2)) :]
    return data


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def _serve(
    data: bytes, cuts: list[int], loop: asyncio.AbstractEventLoop, body: int = 1 << 20
) -> tuple[list[Read], list[int], bool]:
    """Feed ``data`` in pieces; return the requests handled, the statuses, whether it was closed."""

    def handle(request: Request) -> object:
        seen.append(Read(request.method, request.target, list(request.headers), request.body))
        return text(299, b"")

    seen: list[Read] = []
    protocol, plug = plugged(App(handle, body=body), loop)  # type: ignore[arg-type]  # a Response
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        protocol.data_received(data[start:end])
    statuses = [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3})", plug.written)]
    return seen, [status for status in statuses if status != 100], plug.closed


@settings(max_examples=600)
@given(data=_inputs(), cuts=st.lists(st.integers(0, 500), max_size=6))
def test_every_input_is_read_as_the_strict_reader_reads_it_or_refused(
    loop: asyncio.AbstractEventLoop, data: bytes, cuts: list[int]
) -> None:
    seen, statuses, closed = _serve(data, cuts, loop)
    expected = read_all(data)
    assert seen == expected[: len(seen)]
    refusals = [status for status in statuses if status != 299]
    assert len(statuses) - len(refusals) == len(seen)
    assert len(refusals) <= 1
    assert set(refusals) <= {400, 405, 417}
    if refusals:
        assert closed
        assert statuses[-1] == refusals[0], "nothing may be answered behind a refusal"


@settings(max_examples=150)
@given(data=_inputs())
def test_bodies_that_are_dropped_end_where_bodies_that_are_kept_end(
    loop: asyncio.AbstractEventLoop, data: bytes
) -> None:
    if b"Expect" in data:
        return
    kept, kept_statuses, _ = _serve(data, [], loop)
    dropped, dropped_statuses, _ = _serve(data, [], loop, DISCARD)
    assert [one[:3] for one in dropped] == [one[:3] for one in kept]
    assert dropped_statuses == kept_statuses


@settings(max_examples=150)
@given(data=st.binary(max_size=300))
def test_noise_is_never_an_exception(loop: asyncio.AbstractEventLoop, data: bytes) -> None:
    seen, statuses, _ = _serve(data, [], loop)
    assert seen == read_all(data)[: len(seen)]
    assert set(statuses) <= {299, 400, 405, 417}


@pytest.mark.parametrize("first", range(0, 20_000, 2_500))
def test_streams_cut_anywhere_are_exactly_what_the_strict_reader_reads(first: int) -> None:
    found = differences(first, 2_500)
    assert not found, f"seed {found[0][0]}: {found[0][1]}"


@pytest.mark.parametrize("first", [20_000, 20_100])
async def test_streams_over_a_socket_are_what_the_strict_reader_reads(first: int) -> None:
    for seed in range(first, first + 100):
        random = Random(seed)
        data = stream(random)
        expected = read_stream(data)
        app = Recorder(AT_ONCE)
        async with serving(app) as running:
            wire = await running.connect()
            for part in pieces(random, data):
                with suppress(ConnectionError):
                    await wire.send(part)
                await asyncio.sleep(0)
            with suppress(OSError, RuntimeError):
                wire.writer.write_eof()
            await wire.rest()
        assert app.read == expected.requests, f"seed {seed}"


def test_the_strict_reader_and_the_streams_know_every_kind_of_end() -> None:
    streams = [read_stream(stream(Random(seed))) for seed in range(2_000)]
    ends = Counter(one.end for one in streams)
    assert min(ends[end] for end in (OPEN, CLOSED, REFUSED, SWITCHED)) > 20
    methods = Counter(read.method for one in streams for read in one.requests)
    assert min(methods[name] for name in (b"GET", b"HEAD", b"POST", b"CUSTOM", b"PGET")) > 20
