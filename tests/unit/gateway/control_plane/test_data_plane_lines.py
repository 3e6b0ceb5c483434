# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from gateway.control_plane.clustering.data_planes import DataPlane
from gateway.control_plane.data_plane_lines import DataPlaneLine, DataPlaneLines
from tests.support.control_plane import Place, running
from tests.support.documents import story, with_topic


async def lines(place: Place) -> dict[str, DataPlaneLine]:
    assert place.made.publisher is not None
    found = await DataPlaneLines(place.made.publisher, place.made.data_planes).lines()
    return {one.node.hostname: one for one in found}


async def test_one_that_serves_the_newest_release_is_current(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.serving(hostname="a"):
        await place.publish(story())
        line = (await lines(place))["a"]
        assert (line.condition, line.release, line.behind, line.reason) == ("current", 1, 0, "")
        assert line.serves


async def test_one_that_is_gone_says_how_far_behind_it_is(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        async with place.serving(hostname="a"):
            await place.publish(story())
        for topic in ("b", "c"):
            await place.publish(with_topic(topic), wait=0)
        line = (await lines(place))["a"]
        assert (line.condition, line.release, line.behind) == ("away", 1, 2)


async def test_one_whose_release_was_pushed_long_ago_is_looked_up(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.serving(hostname="a"):
        await place.publish(story())
    async with running(tmp_path) as place:
        line = (await lines(place))["a"]
        assert (line.condition, line.release, line.behind) == ("away", 1, 0)


async def test_one_that_refuses_says_why(tmp_path: Path) -> None:
    def judge(_: object) -> str:
        return "no such vault"

    async with running(tmp_path) as place, place.serving(judge, hostname="a"):
        await place.ask("POST", "/services", {"name": "s", "url": "http://s.test"})
        async with place.serving(hostname="b"):
            found = await lines(place)
            while found["a"].condition != "refuses":
                await place.made.data_planes.news()
                found = await lines(place)
        assert "no such vault" in found["a"].reason


async def test_those_in_trouble_come_first(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.serving(hostname="b"):
        async with place.serving(hostname="z"):
            await place.publish(story())
        assert list(await lines(place)) == ["z", "b"]


def test_one_without_a_configuration_serves_nothing() -> None:
    assert not DataPlaneLine(DataPlane("x"), "behind", None, None, "").serves
