# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from gateway.control_plane.clustering.data_planes import DataPlane
from tests.support.documents import story
from tests.support.page import Visitor, serving_page, text, words
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


async def test_fifty_are_searched_and_paged(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        for number in range(50):
            async with place.peer(hostname=f"gateway-{number:02}"):
                pass
        page = words(await visitor.get("/data-planes"))
        assert "50 known" in page
        assert "page 1 of 2" in page
        assert "gateway-24 " in page
        assert "gateway-25 " not in page
        page = words(await visitor.get("/data-planes?page=2"))
        assert "gateway-49 " in page
        assert "Next" not in page
        found = await visitor.get("/data-planes?q=GATEWAY-3", **{"HX-Request": "true"})
        assert "10 of 50 with “GATEWAY-3”" in words(found)
        assert 'hx-get="/data-planes?q=GATEWAY-3&amp;page=1"' in text(found)
        found = await visitor.get("/data-planes?q=%3Cb%3E")
        assert "None has all of these words" in words(found)


async def test_a_data_plane_is_found_by_all_that_the_list_says_of_it(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        node = DataPlane(
            "00000000-0000-4000-8000-00000000beef",
            hostname="gateway-1",
            ip="192.0.2.7",
            version="3.10.0.0",
            labels={"region": "eu-1"},
        )
        place.made.data_planes.see(node)
        for other in range(3):
            place.made.data_planes.see(DataPlane(f"{other}", hostname=f"other-{other}"))
        for sought in ("beef", "192.0.2.7", "3.10", "region: eu-1", "gateway-1 not connected"):
            page = words(await visitor.get(f"/data-planes?{urlencode({'q': sought})}"))
            assert f"1 of 4 with “{sought}”" in page
        assert "4 of 4 with" in words(await visitor.get("/data-planes?q=not+connected"))


async def test_what_a_data_plane_of_ours_tells_of_itself_is_there(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, place.peer(hostname="gateway-1") as peer:
        await peer.say(message(report()))
        await peer.ping()
        visitor = Visitor(place)
        await visitor.sign_in()
        page = words(await visitor.get("/data-planes"))
        assert "0.1.0 for Kong 3.10.0 2 of 2 workers" in page
