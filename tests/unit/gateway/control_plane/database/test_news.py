# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.control_plane.database.news import DatabaseNews
from gateway.errors import StoreError
from tests.support.postgres import Postgres, running_postgres
from tests.support.storage import Storage
from tests.support.waiting import PATIENCE

NEVER = 3600.0


class Looks:
    """Counts the looks; the first few fail."""

    def __init__(self, failing: int = 0) -> None:
        self.failing = failing
        self.count = 0
        self._more = asyncio.Event()

    async def __call__(self) -> None:
        self.count += 1
        self._more.set()
        if self.count <= self.failing:
            raise StoreError("failed to connect to database", 503)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.count < count:
                self._more.clear()
                await self._more.wait()


async def test_it_looks_now_and_then_also_where_nothing_is_announced(storage: Storage) -> None:
    looks = Looks(failing=2)
    news = DatabaseNews(storage.store().database, looks, 0.01)
    news.start()
    await looks.until(5)
    await news.stop()


async def test_it_looks_at_once_when_another_control_plane_writes(
    postgres: Postgres, tmp_path: Path
) -> None:
    with Storage.on(postgres, tmp_path) as storage:
        await looks_when_another_writes(storage)


async def looks_when_another_writes(storage: Storage) -> None:
    looks = Looks()
    own, other = storage.store(), storage.store()
    news = DatabaseNews(own.database, looks, NEVER)
    news.start()
    await looks.until(1)
    own.keep_note("a", 1)
    other.keep_note("a", 2)
    await looks.until(2)
    other.keep_note("a", 3)
    await looks.until(3)
    assert looks.count == 3, "what it writes itself is no news"
    await news.stop()


async def test_it_listens_again_when_the_server_is_back() -> None:
    looks = Looks()
    with running_postgres() as server:
        news = DatabaseNews(server.opened("postgres"), looks, NEVER)
        news.start()
        await looks.until(1)
        await asyncio.to_thread(server.restart)
        await looks.until(2)
        await news.stop()
