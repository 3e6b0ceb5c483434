# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from tests.support.documents import story
from tests.support.page import Visitor, serving_page, words
from tests.support.reports import message, report


async def test_the_page_says_of_each_what_it_serves(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        assert "No data plane has connected yet" in words(await visitor.get("/data-planes"))
        async with place.serving(hostname="gateway-1"):
            published = (await place.publish(story())).body
            page = words(await visitor.get("/data-planes"))
            assert "1 known" in page
            assert f"gateway-1 {place.made.data_planes.connected()[0][:8]} · 127.0.0.1" in page
            assert f"up to date 1 {published['hash'][:8]} since" in page
            assert "ends in" in page
        page = words(await visitor.get("/data-planes"))
        assert "1 not connected" in page


async def test_fifty_are_on_one_page(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        for number in range(50):
            async with place.peer(hostname=f"gateway-{number}"):
                pass
        page = words(await visitor.get("/data-planes"))
        assert all(f"gateway-{number} " in page for number in range(50))


async def test_what_a_data_plane_of_ours_tells_of_itself_is_there(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, place.peer(hostname="gateway-1") as peer:
        await peer.say(message(report()))
        await peer.ping()
        visitor = Visitor(place)
        await visitor.sign_in()
        page = words(await visitor.get("/data-planes"))
        assert "0.1.0 for Kong 3.10.0 2 of 2 workers" in page
