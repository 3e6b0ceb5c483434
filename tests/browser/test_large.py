# SPDX-License-Identifier: Apache-2.0
"""The page of a large installation, and the pages that need a Kafka, in a real browser."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from gateway.control_plane.clustering.data_planes import DataPlane
from gateway.kafka.admin import KafkaConnection, produce
from tests.browser.test_page import address, sign_in
from tests.support.broker import Broker
from tests.support.browser import browser, hindrances, window
from tests.support.control_plane import Place
from tests.support.page import serving_page

ROUTES, DATA_PLANES = 2000, 50
SOON = 300.0
"""Milliseconds to the first paint, from loopback."""
TRIES = 25
_PAINT = """() => new Promise((told) => {
  new PerformanceObserver((list) => told(list.getEntries()[0].startTime))
    .observe({ type: "paint", buffered: true });
})"""


def large() -> dict[str, Any]:
    """Return a document of 2,000 routes, twenty for each service."""
    policies: dict[str, Any] = {"cors": {}, "correlation-id": {}}
    return {
        "services": {
            f"service-{one:02}": {
                "url": f"http://service-{one:02}.test",
                "routes": {
                    f"route-{one:02}-{two:02}": {
                        "paths": [f"/{one:02}/{two:02}"],
                        "plugins": policies,
                    }
                    for two in range(20)
                },
            }
            for one in range(ROUTES // 20)
        }
    }


async def fill(place: Place) -> None:
    reply = await place.publish(large(), wait=0)
    assert reply.status == 201
    for number in range(DATA_PLANES):
        see(place, number, reply.body["hash"])


def see(place: Place, number: int, config_hash: str) -> None:
    """Have the control plane know a data plane, which is not connected."""
    node = DataPlane(
        f"00000000-0000-4000-8000-{number:012}",
        hostname=f"gateway-{number}",
        ip="192.0.2.1",
        version="3.10.0.0",
        config_hash=config_hash,
        certificate_expires=int(time.time()) + 10_000_000,
        certificate=f"{number:064}",
    )
    place.made.data_planes.see(node)


async def fastest(page: Page, url: str) -> float:
    """Load a page until it is there soon; return the milliseconds of the fastest first paint.

    The machine may have other work: one load that is soon shows what the page itself takes.
    """
    best = float("inf")
    for _ in range(TRIES):
        await page.goto(url)
        best = min(best, await page.evaluate(_PAINT))
        if best < SOON:
            break
    return best


async def test_two_thousand_routes_and_fifty_data_planes_stay_usable(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, browser() as chromium, window(chromium) as page:
        await fill(place)
        await sign_in(page, place, "/routes")
        await expect(page.get_by_text("2000 routes")).to_be_visible()
        await expect(page.locator("tbody tr")).to_have_count(50)
        await expect(page.get_by_text("page 1 of 40")).to_be_visible()
        await page.get_by_role("link", name="Next").click()
        await expect(page.get_by_text("page 2 of 40")).to_be_visible()
        await expect(page.locator("tbody tr").first).to_contain_text("route-02-10")
        await page.get_by_label("Search").fill("service-77 route-77-13")
        await expect(page.get_by_text("1 route with")).to_be_visible()
        await page.get_by_role("link", name="route-77-13").click()
        await expect(page.get_by_role("heading", name="route-77-13")).to_be_visible()
        assert await hindrances(page) == []
        await page.goto(address(place, "/data-planes"))
        await expect(page.get_by_role("heading", name="50 known")).to_be_visible()
        await expect(page.locator("tbody tr")).to_have_count(DATA_PLANES // 2)
        assert await hindrances(page) == []
        await page.get_by_role("link", name="Next").click()
        await expect(page.get_by_text("page 2 of 2")).to_be_visible()
        await expect(page.locator("tbody tr")).to_have_count(DATA_PLANES // 2)


async def test_what_comes_by_itself_keeps_the_search_and_the_page(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, browser() as chromium, window(chromium) as page:
        await fill(place)
        await sign_in(page, place, "/data-planes?page=2")
        await expect(page.get_by_text("page 2 of 2")).to_be_visible()
        await expect(page.get_by_text("live", exact=True)).to_be_visible()
        see(place, 700, "0" * 32)
        await expect(page.get_by_text("51 known")).to_be_visible()
        await expect(page.get_by_text("page 2 of 3")).to_be_visible()
        await page.get_by_label("Search").fill("gateway-70")
        await expect(page.get_by_text("1 of 51 with “gateway-70”")).to_be_visible()
        await expect(page).to_have_url(address(place, "/data-planes?q=gateway-70"))
        see(place, 701, "0" * 32)
        await expect(page.get_by_text("2 of 52 with “gateway-70”")).to_be_visible()
        await expect(page.get_by_label("Search")).to_have_value("gateway-70")
        assert await hindrances(page) == []
        await page.get_by_role("link", name="not connected").click()
        await expect(page.get_by_label("Search")).to_have_value("not connected")


async def test_each_page_of_a_large_installation_is_painted_soon(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, browser() as chromium, window(chromium) as page:
        await fill(place)
        await sign_in(page, place, "/releases")
        key = (await place.ask("GET", "/routes/route-50-10")).body["id"]
        for path in ("/", "/routes", "/routes?q=77", f"/routes/{key}", "/data-planes", "/releases"):
            assert await fastest(page, address(place, path)) < SOON, path


@pytest.mark.kafka
@pytest.mark.parametrize("width", [1280, 375])
async def test_nothing_serious_keeps_anybody_out_of_topics(
    tmp_path: Path, broker: Broker, width: int
) -> None:
    topic = broker.topic()
    where = KafkaConnection(broker.bootstrap, *broker.admin, ca=broker.ca_file)
    values = [b"{}", b"\xff\xfe", b"x" * 3000]
    await asyncio.to_thread(produce, where, topic, values)
    (tmp_path / "password").write_text(broker.admin[1])
    kafka = {
        "page_kafka": broker.bootstrap,
        "page_kafka_ca": broker.ca_file,
        "page_kafka_user": broker.admin[0],
        "page_kafka_password_file": str(tmp_path / "password"),
    }
    async with (
        serving_page(tmp_path, **kafka) as place,
        browser() as chromium,
        window(chromium, width, 800) as page,
    ):
        await sign_in(page, place, "/topics")
        for path in ("/topics", f"/topics/{topic}", "/topics/there-is-none"):
            await page.goto(address(place, path))
            assert await hindrances(page) == [], path
            wider = "document.documentElement.scrollWidth - window.innerWidth"
            assert await page.evaluate(wider) <= 0, f"{path} is wider than the window"
