# SPDX-License-Identifier: Apache-2.0
"""The page as people meet it: in a real browser, on a real control plane."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.support.browser import Scheme, browser, hindrances, window
from tests.support.control_plane import Place
from tests.support.documents import story, with_topic
from tests.support.page import TOKEN, serving_page, token_for

IMAGES = Path(__file__).parents[2] / "docs" / "images"
TAKES_PICTURES = bool(os.environ.get("KAFKA_GATEWAY_PICTURES"))
"""Whether the pictures of the documentation are taken anew."""


def address(place: Place, path: str) -> str:
    return f"http://127.0.0.1:{place.port('admin_gui')}{path}"


async def sign_in(page: Page, place: Place, path: str = "/", token: str = TOKEN) -> None:
    await page.goto(address(place, path))
    await page.get_by_label("Admin token").fill(token)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("navigation", name="Pages")).to_be_visible()


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


VIEWS = ("/data-planes", "/releases", "/releases/1", "/releases/2", "/none")


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
        await place.publish(story())
        await place.publish(with_topic("orders"))
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
