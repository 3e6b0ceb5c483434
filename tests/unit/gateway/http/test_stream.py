# SPDX-License-Identifier: Apache-2.0
"""One writer, one reader, and the pressure between them."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import ProtocolError
from gateway.http.stream import Channel


def _noting(limit: int = 4) -> tuple[Channel, list[str]]:
    noted: list[str] = []
    channel = Channel(
        limit,
        on_full=lambda: noted.append("full"),
        on_drained=lambda: noted.append("drained"),
        on_first_read=lambda: noted.append("first read"),
        on_close=lambda: noted.append("closed"),
    )
    return channel, noted


async def test_chunks_come_in_order_and_to_their_end() -> None:
    channel, noted = _noting()
    reading = asyncio.ensure_future(_all(channel))
    await asyncio.sleep(0)
    channel.feed(b"a")
    await asyncio.sleep(0)
    channel.feed(b"b")
    channel.end()
    assert await reading == [b"a", b"b"]
    assert channel.complete
    assert noted == ["first read"]


async def test_a_full_channel_says_so_once_and_again_when_it_is_half_empty() -> None:
    channel, noted = _noting()
    for _ in range(3):
        channel.feed(b"abc")
    assert noted == ["full"]
    channel.end()
    assert b"".join(await _all(channel)) == b"abcabcabc"
    assert noted == ["full", "drained"]


async def test_a_body_that_breaks_off_gives_first_what_has_come() -> None:
    channel, _ = _noting()
    channel.feed(b"a")
    channel.fail(ProtocolError(400, "gone"))
    assert await anext(channel) == b"a"
    with pytest.raises(ProtocolError):
        await anext(channel)
    assert not channel.complete
    assert channel.error is not None


async def test_a_reader_that_stops_early_is_heard_of_once() -> None:
    channel, noted = _noting()
    channel.feed(b"a")
    await channel.aclose()
    channel.close()
    assert noted == ["closed"]
    assert await _all(channel) == []


def test_what_waits_can_be_taken_at_once() -> None:
    channel, noted = _noting()
    channel.feed(b"abc")
    channel.feed(b"def")
    assert channel.take() == b"abcdef"
    assert channel.buffered == 0
    assert noted == ["full", "drained"]


async def _all(channel: Channel) -> list[bytes]:
    return [chunk async for chunk in channel]
