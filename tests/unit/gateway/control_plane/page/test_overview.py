# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time
from pathlib import Path

from tests.support.page import Visitor, serving_page, text, words
from tests.support.reports import fill_an_hour, message, report, route


async def test_nothing_is_told_before_anything_is_heard(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        page = words(await visitor.get("/"))
        assert "No data plane has reported requests" in page
        assert "Release none" in page


async def test_the_hour_is_told_at_a_glance(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, place.serving(hostname="gateway-1"):
        shop = {"url": "http://s.test", "routes": {"orders": {"paths": ["/orders"]}}}
        await place.publish({"services": {"shop": shop}})
        fill_an_hour(place.made.extensions.traffic, time.time())
        visitor = Visitor(place)
        await visitor.sign_in()
        reply = await visitor.get("/")
        assert "1 of 1 up to date" in words(reply)
        assert "orders shop" in words(reply)
        assert 'href="/routes/' in text(reply)
        points = await visitor.get("/traffic.json?service=shop&route=orders")
        assert len(points.body["requests"][0]) == 359


async def test_what_a_data_plane_reports_is_on_the_page(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, place.peer() as peer:
        visitor = Visitor(place)
        await visitor.sign_in()
        await peer.say(message(report(route("of-a-peer", 500), seconds=60.0)))
        await peer.ping()
        assert "of-a-peer" in words(await visitor.get("/", **{"HX-Request": "true"}))


async def test_refusals_are_told_first(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, place.serving(lambda _: "no such vault"):
        await place.ask("POST", "/services", {"name": "s", "url": "http://s.test"})
        while not place.made.publisher.judge.refusals:  # type: ignore[union-attr]  # it runs
            await place.made.data_planes.news()
        visitor = Visitor(place)
        await visitor.sign_in()
        page = words(await visitor.get("/"))
        assert "Data planes refuse something" in page
        assert "no such vault" in page
