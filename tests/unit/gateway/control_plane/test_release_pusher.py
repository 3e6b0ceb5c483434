# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.control_plane import make, running


async def test_a_data_plane_that_connects_later_gets_the_newest_first(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for number in range(5):
            await make(place, "/services", name=f"s{number}", host="a.test")
        async with place.peer() as peer:
            table = (await peer.configuration())["config_table"]
            assert len(table["services"]) == 5


async def test_single_writes_reach_data_planes_in_few_pushes(tmp_path: Path) -> None:
    served: list[dict[str, Any]] = []
    async with running(tmp_path) as place, place.serving(lambda table: served.append(table)):
        for number in range(40):
            await make(place, "/services", name=f"s{number}", host="a.test")
        while not served or len(served[-1]["services"]) < 40:
            await place.made.data_planes.news()
        assert len(served) <= 40
        counts = [len(table["services"]) for table in served]
        assert counts == sorted(counts)
