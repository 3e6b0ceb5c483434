# SPDX-License-Identifier: Apache-2.0
"""The page as people meet it: in a real browser, on a real control plane."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.browser import Scheme, browser, hindrances, window
from tests.support.control_plane import Place, node_settings
from tests.support.documents import story, with_topic
from tests.support.node import running_node
from tests.support.page import TOKEN, serving_page, token_for
from tests.support.reports import fill_an_hour, message, report, route
from tests.support.waiting import PATIENCE

IMAGES = Path(__file__).parents[2] / "docs" / "images"
TAKES_PICTURES = bool(os.environ.get("KAFKA_GATEWAY_PICTURES"))
"""Whether the pictures of the documentation are taken anew."""


def address(place: Place, path: str) -> str:
    return f"http://127.0.0.1:{place.port('admin_gui')}{path}"


async def sign_in(page: Page, place: Place, path: str = "/", token: str = TOKEN) -> None:
    await page.goto(address(place, path))
    await page.get_by_label("Admin token").fill(token)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("navigation", name="Pages", exact=True)).to_be_visible()


async def picture(page: Page, name: str) -> None:
    if TAKES_PICTURES:
        IMAGES.mkdir(exist_ok=True)
        await page.screenshot(path=IMAGES / f"{name}.png")


async def test_one_gets_in_with_a_token_and_sees_what_is_published_elsewhere(
    tmp_path: Path,
) -> None:
    async with (
        serving_page(tmp_path) as place,
        browser() as chromium,
        window(chromium) as page,
        place.serving(hostname="gateway-1"),
    ):
        await page.goto(address(place, "/releases"))
        await page.get_by_label("Admin token").fill("wrong")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("not valid")
        await sign_in(page, place, "/releases")
        await expect(page.get_by_role("heading", name="Releases")).to_be_visible()
        await expect(page.get_by_text("Nothing has been published yet")).to_be_visible()
        await expect(page.locator(".live")).to_have_text("live")

        await place.publish(story(), message="from elsewhere")

        await expect(page.get_by_text("from elsewhere")).to_be_visible()
        await expect(page.get_by_text("1 data plane")).to_be_visible()


def shop() -> dict[str, Any]:
    """Return routes of a shop, with policies."""

    def produce(topic: str) -> dict[str, Any]:
        kafka = {"topic": topic, "bootstrap_servers": [{"host": "kafka.internal", "port": 9092}]}
        return {"config": kafka}

    routes = {
        name: {
            "paths": [f"/{name}"],
            "methods": ["POST"],
            "plugins": {"kafka-upstream": produce(name), "key-auth": {}, "rate-limiting": limit},
        }
        for name, limit in (
            ("orders", {"config": {"minute": 600}}),
            ("payments", {"config": {"minute": 120}}),
            ("audit-trail", {"config": {"hour": 10_000}}),
        )
    }
    service = {"url": "http://shop.internal", "routes": routes}
    return {"services": {"shop": service}, "plugins": {"correlation-id": {}, "cors": {}}}


async def test_the_hour_is_drawn_and_goes_on(tmp_path: Path) -> None:
    async with (
        serving_page(tmp_path) as place,
        browser() as chromium,
        window(chromium, height=1000) as page,
        place.serving(hostname="gateway-1") as peer,
    ):
        await place.publish(shop())
        fill_an_hour(place.made.extensions.traffic, time.time())
        await sign_in(page, place)
        await expect(page.locator(".plot[data-drawn] canvas")).to_have_count(4)
        await expect(page.get_by_role("link", name="orders", exact=True)).to_be_visible()
        await picture(page, "page-overview")
        await peer.say(message(report(route("arrived-just-now", 9))))
        await expect(page.get_by_text("arrived-just-now")).to_be_visible()


async def test_all_of_the_first_page_is_small(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, browser() as chromium, window(chromium) as page:
        await place.publish(shop(), wait=0)
        fill_an_hour(place.made.extensions.traffic, time.time())
        await sign_in(page, place, "/releases")
        wire = await page.context.new_cdp_session(page)
        await wire.send("Network.enable")
        await wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
        sizes: list[float] = []
        wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        await page.goto(address(place, "/"))
        await expect(page.locator(".plot[data-drawn]")).to_have_count(4)
        assert len(sizes) > 5
        assert sum(sizes) < 60_000


async def test_a_route_is_found_and_says_what_runs(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, browser() as chromium, window(chromium) as page:
        await place.publish(shop(), wait=0)
        fill_an_hour(place.made.extensions.traffic, time.time())
        await sign_in(page, place, "/routes")
        await expect(page.get_by_text("3 routes")).to_be_visible()
        await picture(page, "page-routes")
        await page.get_by_label("Search").fill("payments")
        await expect(page.get_by_text("1 route with")).to_be_visible()
        await page.get_by_role("link", name="payments").click()
        names = page.locator("section[aria-labelledby=policies] h3")
        await expect(names).to_have_text(
            ["correlation-id", "cors", "key-auth", "rate-limiting", "kafka-upstream"]
        )
        await expect(page.locator(".plot[data-drawn] canvas")).to_have_count(1)
        await picture(page, "page-route")


async def test_the_traffic_of_a_real_data_plane_arrives(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, browser() as chromium, window(chromium) as page:
        answer = {"config": {"status_code": 418}}
        routes = {"teapot": {"paths": ["/"], "plugins": {"request-termination": answer}}}
        await place.publish({"services": {"s": {"url": "http://s.test", "routes": routes}}}, wait=0)
        with running_node(tmp_path, **node_settings(place, tmp_path)) as node:
            await asyncio.to_thread(node.ready)
            await sign_in(page, place)
            for _ in range(20):
                assert (await asyncio.to_thread(node.get, "/")).status == 418
            await expect(page.get_by_role("link", name="teapot")).to_be_visible()
            await page.goto(address(place, "/data-planes"))
            await expect(page.get_by_text("1 up to date", exact=True)).to_be_visible()
            await asyncio.to_thread(node.end)
            gone = page.get_by_text("1 not connected", exact=True)
            await expect(gone).to_be_visible()


async def test_a_request_is_tried_and_told_of(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, browser() as chromium, window(chromium) as page:
        answer = {"config": {"status_code": 418, "message": "short and stout"}}
        plugins = {"request-termination": answer, "key-auth": {}, "correlation-id": {}}
        routes = {"teapot": {"paths": ["/teapot"], "plugins": plugins}}
        await place.publish(
            {
                "services": {"kitchen": {"url": "http://s.test", "routes": routes}},
                "consumers": {"ann": {"keyauth_credentials": {"own": {"key": "key-of-ann"}}}},
            },
            wait=0,
        )
        allowed = {"KAFKA_GATEWAY_TRACE_REQUESTS": "on"}
        with running_node(tmp_path, **node_settings(place, tmp_path), **allowed) as node:
            await asyncio.to_thread(node.ready)
            async with asyncio.timeout(PATIENCE):
                while not place.made.extensions.traffic.nodes:  # noqa: ASYNC110  # a report comes
                    await asyncio.sleep(0.05)
            await sign_in(page, place, "/try")
            await page.get_by_label("Path").fill("/teapot")
            await page.get_by_label("Headers").fill("apikey: key-of-ann")
            await page.get_by_role("button", name="Send").click()
            await expect(page.get_by_text("route teapot of kitchen")).to_be_visible()
            await expect(page.locator(".steps li")).to_have_count(3)
            await expect(page.locator("pre")).to_contain_text("short and stout")
            assert await hindrances(page) == []
            await page.set_viewport_size({"width": 1280, "height": 1150})
            await picture(page, "page-try")


async def test_a_data_plane_that_dies_is_told_of_without_asking(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, browser() as chromium, window(chromium) as page:
        async with place.serving(hostname="gateway-1"), place.serving(hostname="gateway-2"):
            await place.publish(story())
            await sign_in(page, place, "/data-planes")
            await expect(page.get_by_text("2 up to date")).to_be_visible()
            await picture(page, "page-data-planes")
        await expect(page.get_by_text("2 not connected")).to_be_visible()


async def test_a_control_plane_that_stops_is_told_of(tmp_path: Path) -> None:
    async with browser() as chromium, window(chromium) as page:
        async with serving_page(tmp_path) as place:
            await sign_in(page, place, "/data-planes")
            await expect(page.locator(".live")).to_have_text("live")
        await expect(page.locator(".live")).to_contain_text("not live")


async def test_one_goes_back_to_a_release(tmp_path: Path) -> None:
    async with (
        serving_page(tmp_path) as place,
        browser() as chromium,
        window(chromium) as page,
        place.serving(hostname="gateway-1"),
    ):
        await place.publish(story(), message="the first routes")
        await place.publish(with_topic("orders"), message="orders instead")
        await sign_in(page, place, "/releases")
        await page.get_by_role("link", name="1", exact=True).click()
        await expect(page.get_by_text("What going back to it would change")).to_be_visible()
        await picture(page, "page-release")
        await page.get_by_role("button", name="Roll back to release 1").click()
        await expect(page.get_by_role("status").first).to_be_visible()
        await expect(page.get_by_text("Rolled back to release 1, as release 3")).to_be_visible()
        assert place.made.publisher is not None
        assert place.made.publisher.newest is not None
        assert place.made.publisher.newest.number == 3


async def test_a_token_without_the_right_sees_no_button(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, browser() as chromium, window(chromium) as page:
        await place.publish(story(), wait=0)
        await place.publish(with_topic("orders"), wait=0)
        await sign_in(page, place, "/releases/1", await token_for(place, "ann", "read"))
        await expect(page.get_by_text("What going back to it would change")).to_be_visible()
        await expect(page.get_by_role("button")).to_have_count(1)
        await expect(page.get_by_role("button", name="Sign out")).to_be_visible()


VIEWS = (
    "/",
    "/routes",
    "/routes?q=none",
    "/partials",
    "/audit",
    "/try",
    "/data-planes",
    "/releases",
    "/releases/1",
    "/releases/2",
    "/none",
)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (375, "light")])
async def test_nothing_serious_keeps_anybody_out(
    tmp_path: Path, width: int, scheme: Scheme
) -> None:
    async with (
        serving_page(tmp_path) as place,
        browser() as chromium,
        window(chromium, width, 800, scheme) as page,
        place.serving(hostname="gateway-1"),
    ):
        await place.publish(shop())
        await place.publish(with_topic("orders"))
        fill_an_hour(place.made.extensions.traffic, time.time())
        await page.goto(address(place, "/sign-in"))
        assert await hindrances(page) == []
        await sign_in(page, place)
        for view in VIEWS:
            await page.goto(address(place, view))
            assert await hindrances(page) == [], view
            wider = "document.documentElement.scrollWidth - window.innerWidth"
            assert await page.evaluate(wider) <= 0, f"{view} is wider than the window"


async def test_the_keyboard_reaches_everything_and_skips_the_navigation(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, browser() as chromium, window(chromium) as page:
        await place.publish(story(), wait=0)
        await sign_in(page, place, "/releases")
        await page.keyboard.press("Tab")
        await expect(page.get_by_text("Skip to content")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="1", exact=True)).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="Release 1")).to_be_visible()
