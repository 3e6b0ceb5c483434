# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import story, with_topic
from tests.support.page import Visitor, serving_page, text, token_for, words


async def test_a_release_is_shown_with_what_it_changed(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, place.serving(hostname="a"):
        visitor = Visitor(place)
        await visitor.sign_in()
        assert "Nothing has been published yet" in words(await visitor.get("/releases"))
        await place.publish(story(), message="first routes")
        await place.publish(with_topic("orders"), message="orders instead", who="ann")
        page = words(await visitor.get("/releases"))
        assert "2 newest orders instead ann 127.0.0.1" in page
        assert page.index("orders instead") < page.index("first routes")
        assert page.count("1 data plane") == 1
        page = words(await visitor.get("/releases/2"))
        assert "changed plugin kafka-upstream of route httpbinroute owner stack-test" in page
        assert "config.topic topictest orders" in page
        assert "Roll back" not in page
        page = words(await visitor.get("/releases/1"))
        assert "config.topic orders topictest" in page
        assert "Roll back to release 1" in page


async def test_a_rollback_is_a_release_of_who_asked_for_it(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place, place.serving(hostname="gateway-1"):
        await place.publish(story())
        await place.publish(with_topic("orders"))
        visitor = Visitor(place)
        await visitor.sign_in(await token_for(place, "ann", "publish"))
        reply = await visitor.post("/releases/1/rollback", {}, "/releases/1")
        assert reply.status == 200
        page = words(reply)
        assert "Rolled back to release 1, as release 3" in page
        assert "gateway-1: confirmed" in page
        newest = (await place.ask("GET", "/releases")).body["data"][0]
        assert newest["message"] == "rollback: to release 1"
        assert newest["who"] == "ann"


async def test_a_rollback_that_a_data_plane_refuses_says_why_and_is_taken_back(
    tmp_path: Path,
) -> None:
    def judge(message: dict[str, Any]) -> str | None:
        return "it has no such vault" if '"topictest"' in str(message).replace("'", '"') else None

    async with serving_page(tmp_path) as place:
        await place.publish(story(), wait=0)
        await place.publish(with_topic("orders"), wait=0)
        async with place.serving(judge, hostname="gateway-1"):
            visitor = Visitor(place)
            await visitor.sign_in()
            reply = await visitor.post("/releases/1/rollback", {}, "/releases/1")
            assert reply.status == 409
            assert "Refused, and taken back" in words(reply)
            assert "gateway-1: it has no such vault" in words(reply)


@pytest.mark.parametrize(
    ("role", "owners"), [("read", ()), ("write", ()), ("publish", ("team-a",))]
)
async def test_who_may_not_sees_no_button_and_is_refused(
    tmp_path: Path, role: str, owners: tuple[str, ...]
) -> None:
    async with serving_page(tmp_path) as place:
        await place.publish(story())
        await place.publish(with_topic("orders"))
        visitor = Visitor(place)
        await visitor.sign_in(await token_for(place, "ann", role, owners=owners))
        assert "Roll back" not in text(await visitor.get("/releases/1"))
        reply = await visitor.post("/releases/1/rollback", {}, "/releases/1")
        assert reply.status == 403
        assert "ann may not do this" in words(reply)
        assert len((await place.ask("GET", "/releases")).body["data"]) == 2


async def test_many_releases_are_on_several_pages(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        for number in range(30):
            await place.publish(with_topic(f"t{number}"), message=f"number {number}", wait=0)
        visitor = Visitor(place)
        await visitor.sign_in()
        assert 'href="/releases?before=6"' in text(await visitor.get("/releases"))
        page = words(await visitor.get("/releases?before=6"))
        assert "number 4" in page
        assert "number 5" not in page


@pytest.mark.parametrize("number", ["0", "99", "x", "-1", "1e3", "9" * 40])
async def test_there_is_no_such_release(tmp_path: Path, number: str) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        assert (await visitor.get(f"/releases/{number}")).status == 404
        await place.publish(story())
        reply = await visitor.post(f"/releases/{number}/rollback", {}, "/releases/1")
        assert reply.status == 404
