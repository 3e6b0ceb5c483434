# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from gateway.control_plane.database import choice
from gateway.control_plane.database.choice import FILE
from tests.support.control_plane import Place, running
from tests.support.documents import story
from tests.support.waiting import PATIENCE


async def rows(place: Place) -> list[dict[str, Any]]:
    load = place.made.store.load_data_planes
    return await asyncio.to_thread(lambda: list(load()))


async def saved(place: Place) -> list[dict[str, Any]]:
    assert place.made.data_plane_rows is not None
    await place.made.data_plane_rows.save()
    return await rows(place)


@pytest.mark.usefixtures("each_storage")
async def test_a_row_says_what_is_served_and_by_whom(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        async with place.serving(node="node"):
            published = await place.publish(story())
            (row,) = await saved(place)
            own = (await place.ask("GET", "/")).body["node_id"]
            assert (row["id"], row["control_plane"], row["connected"]) == ("node", own, True)
            assert (row["release"], row["problem"]) == (published.body["number"], None)
        async with asyncio.timeout(PATIENCE):
            while place.made.data_planes.connected():
                await place.made.data_planes.news()
        (row,) = await saved(place)
        assert row["connected"] is False


@pytest.mark.usefixtures("each_storage")
async def test_what_a_data_plane_is_not_sent_is_in_its_row(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.peer(node="node", plugins=[]):
        await place.publish(story(), wait=0)
        async with asyncio.timeout(PATIENCE):
            while place.made.data_planes.contact("node").withheld is None:
                await place.made.data_planes.news()
        (row,) = await saved(place)
        number, reason = row["problem"]
        assert number == 1
        assert "the data plane lacks plugin" in reason


async def test_what_could_not_be_written_is_so_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "_LOCK_TIMEOUT", 0.05)
    async with running(tmp_path) as place:
        other = sqlite3.connect(tmp_path / FILE, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        async with place.peer(node="node"):
            assert await saved(place) == []
            other.execute("ROLLBACK")
            other.close()
            assert [row["id"] for row in await saved(place)] == ["node"]


async def test_what_is_about_to_be_written_at_the_stop_is_not_lost(tmp_path: Path) -> None:
    """The store's thread is busy, so that the stop cuts a write off before it has begun."""
    async with running(tmp_path) as place, place.peer(node="node"):
        await saved(place)
        place.made.store.save_data_planes([], 0, ["node"])
        place.made.data_planes.save_again(["node"])
        free = threading.Event()
        assert place.made.publisher is not None
        busy = asyncio.create_task(place.made.publisher.call(free.wait))
        saving = asyncio.create_task(saved(place))
        for _ in range(5):
            await asyncio.sleep(0)
        saving.cancel()
        await asyncio.gather(saving, return_exceptions=True)
        free.set()
        await busy
        assert [row["id"] for row in await saved(place)] == ["node"]
