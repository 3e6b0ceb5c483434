# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from tests.support.documents import story, with_topic
from tests.support.page import Visitor, serving_page, token_for, words


async def test_what_is_done_on_the_page_is_in_the_audit_log(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        await place.publish(story(), wait=0)
        await place.publish(with_topic("orders"), wait=0)
        ann = Visitor(place)
        await ann.sign_in(await token_for(place, "ann", "publish"))
        await ann.post("/releases/1/rollback", {}, "/releases/1")
        visitor = Visitor(place)
        await visitor.sign_in()
        page = words(await visitor.get("/audit"))
        assert "3 entries" in page
        assert "ann 127.0.0.1" in page
        assert "POST /releases/1/rollback" in page
        assert "200 3" in page


async def test_it_is_for_admins(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in(await token_for(place, "ann", "publish"))
        assert "Audit log" not in words(await visitor.get("/releases"))
        reply = await visitor.get("/audit")
        assert reply.status == 403
        assert "ann may not do this" in words(reply)


async def test_many_entries_are_on_several_pages(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        for number in range(60):
            await place.ask("POST", "/services", {"name": f"s{number}", "url": "http://s.test"})
        visitor = Visitor(place)
        await visitor.sign_in()
        assert "60 entries" in words(await visitor.get("/audit"))
        page = words(await visitor.get("/audit?before=11"))
        assert page.count("POST /services") == 10
        for before in ("x", "-1", "9" * 30):
            assert (await visitor.get(f"/audit?before={before}")).status == 404
