# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from tests.support.documents import story
from tests.support.page import Visitor, serving_page, text, words
from tests.support.reports import report, route


async def test_two_thousand_routes_are_searched_and_paged(tmp_path: Path) -> None:
    routes = {f"route-{number:04}": {"paths": [f"/p{number}"]} for number in range(2000)}
    async with serving_page(tmp_path) as place:
        await place.publish(
            {"services": {"shop": {"url": "http://s.test", "routes": routes}}}, wait=0
        )
        visitor = Visitor(place)
        await visitor.sign_in()
        page = words(await visitor.get("/routes"))
        assert "2000 routes" in page
        assert "page 1 of 40" in page
        assert "route-0049" in page
        assert "route-0050" not in page
        page = words(await visitor.get("/routes?page=40"))
        assert "route-1999" in page
        assert "Next" not in page
        for number in ("0", "-3", "x", "99999"):
            assert (await visitor.get(f"/routes?page={number}")).status == 200
        found = await visitor.get("/routes?q=p1777", **{"HX-Request": "true"})
        assert "1 route with" in words(found)
        assert len(text(found)) < 5000
        assert "None has all of these words" in words(await visitor.get("/routes?q=%3Cb%3E"))


async def test_a_route_is_shown_with_its_policies_and_traffic(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        await place.publish(story(), wait=0)
        visitor = Visitor(place)
        await visitor.sign_in()
        traffic = place.made.extensions.traffic
        traffic.take("a", report(route("httpbinroute", 5)))
        (one,) = (await place.ask("GET", "/routes")).body["data"]
        page = words(await visitor.get(f"/routes/{one['id']}"))
        assert "Route httpbinroute" in page
        assert "path /httpbin" in page
        assert "1 kafka-upstream priority 751, set on the route writes records and responds" in page
        assert "topic topictest" in page
        assert (await visitor.get("/routes/none")).status == 404
