# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from gateway.control_plane.page.app import page_hosts
from gateway.settings.settings import Settings
from tests.support.control_plane import running
from tests.support.page import Visitor, serving_page, words


async def test_what_is_not_there_is_told_as_a_page(tmp_path: Path) -> None:
    async with serving_page(tmp_path) as place:
        visitor = Visitor(place)
        await visitor.sign_in()
        reply = await visitor.get("/none")
        assert reply.status == 404
        assert "There is no such page" in words(reply)
        assert (await visitor.post("/releases", {})).status == 405


async def test_off_is_off(tmp_path: Path) -> None:
    async with running(tmp_path, admin_gui_listen="off") as place:
        assert place.made.sockets["admin_gui_listen"] == []
        assert place.made.page is None


def test_the_page_answers_to_the_names_it_listens_on() -> None:
    settings = Settings.parse(
        {"admin_gui_listen": "page.test:8002, 0.0.0.0:9002", "admin_hosts": "manager.test"}
    )
    assert page_hosts(settings) == {"page.test", "manager.test"}
