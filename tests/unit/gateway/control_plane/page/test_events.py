# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.control_plane import Place, RawConnection, connect
from tests.support.documents import story
from tests.support.page import TOKEN, Visitor, serving_page, token_for
from tests.support.waiting import PATIENCE


@asynccontextmanager
async def listening(place: Place, token: str = TOKEN) -> AsyncIterator[RawConnection]:
    visitor = Visitor(place)
    await visitor.sign_in(token)
    wire = await connect(place, "admin_gui")
    head = f"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {visitor.cookie}\r\n\r\n"
    await wire.send(head.encode())
    await heard(wire, "ready")
    try:
        yield wire
    finally:
        await wire.close()


async def heard(wire: RawConnection, name: str) -> None:
    async with asyncio.timeout(PATIENCE):
        await wire.reader.readuntil(f"event: {name}\n".encode())


async def test_what_changes_is_told_to_all_that_listen(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, listening(place) as one, listening(place) as other:
        await place.publish(story())
        await heard(one, "releases")
        await heard(other, "releases")
        async with place.peer():
            await heard(one, "data-planes")
        await heard(one, "data-planes")


async def test_a_stream_ends_with_the_token_it_was_asked_for_with(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        token = await token_for(place, "ann", "read")
        async with listening(place, token) as wire:
            revoked = await asyncio.to_thread(place.made.tokens.revoke, "ann")
            place.made.authentication.note(revoked)
            async with asyncio.timeout(PATIENCE):
                await wire.reader.readuntil(b"\r\n0\r\n\r\n")


async def test_streams_end_with_the_control_plane_at_once(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        wire = await connect(place, "admin_gui")
        head = f"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {visitor.cookie}\r\n\r\n"
        await wire.send(head.encode())
        await heard(wire, "ready")
    assert (await wire.rest()).endswith(b"0\r\n\r\n"), "ended, not cut"
    await wire.close()


async def test_a_browser_that_leaves_is_forgotten(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        assert place.made.page is not None
        events = place.made.page.events
        async with listening(place):
            assert events.open == 1
        for _ in range(2):  # the first write after it is not known to be in vain
            await place.publish({"services": {f"s{_}": {"url": "http://s.test"}}}, wait=0)
        async with asyncio.timeout(PATIENCE):
            while events.open:  # noqa: ASYNC110  # nobody announces it
                await asyncio.sleep(0.01)
