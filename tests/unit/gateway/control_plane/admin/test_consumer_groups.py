# SPDX-License-Identifier: Apache-2.0
"""Consumer groups over the Admin API, in the shapes that decK reads."""

from __future__ import annotations

from pathlib import Path

from tests.support.control_plane import make, running


async def test_members_come_and_go_from_either_side(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        ann = await make(place, "/consumers", username="ann")
        bob = await make(place, "/consumers", username="bob")
        gold = await make(place, "/consumer_groups", name="gold")
        added = await place.ask("POST", "/consumer_groups/gold/consumers", {"consumer": "ann"})
        assert added.status == 201, added
        assert added.body == {"consumer_group": gold, "consumers": [ann]}
        body = {"group": ["gold"]}
        added = await place.ask("POST", f"/consumers/{bob['id']}/consumer_groups", body)
        assert added.body == {"consumer": bob, "consumer_groups": [gold]}
        shown = (await place.ask("GET", f"/consumer_groups/{gold['id']}")).body
        assert shown["consumer_group"] == gold
        assert {row["username"] for row in shown["consumers"]} == {"ann", "bob"}
        short = await place.ask("GET", "/consumer_groups/gold?list_consumers=false")
        assert short.body == {"consumer_group": gold}
        listed = await place.ask("GET", "/consumers/ann/consumer_groups")
        assert listed.body["consumer_groups"] == [gold]
        one = await place.ask("GET", "/consumer_groups/gold/consumers/ann")
        assert one.body == {"consumer_group": gold, "consumers": [ann]}
        for _ in range(2):
            gone = await place.ask("DELETE", f"/consumer_groups/{gold['id']}/consumers/{ann['id']}")
            assert gone.status == 204
        assert (await place.ask("GET", "/consumer_groups/gold/consumers/ann")).status == 404
        assert (await place.ask("DELETE", "/consumer_groups/gold/consumers")).status == 204
        left = await place.ask("GET", "/consumer_groups/gold/consumers")
        assert left.body["data"] == []


async def test_a_group_is_an_entity_with_plugins_that_goes_with_them(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        ann = await make(place, "/consumers", username="ann")
        gold = await make(place, "/consumer_groups", name="gold")
        await place.ask("POST", "/consumer_groups/gold/consumers", {"consumer": ann["id"]})
        limit = {"name": "rate-limiting", "config": {"minute": 5}}
        plugin = await place.ask("POST", "/consumer_groups/gold/plugins", limit)
        assert plugin.body["consumer_group"] == {"id": gold["id"]}
        listed = await place.ask("GET", "/consumer_groups?size=1000")
        assert listed.body == {"data": [gold], "next": None}
        assert (await place.ask("DELETE", "/consumer_groups/gold")).status == 204
        assert (await place.ask("GET", "/plugins")).body["data"] == []
        assert (await place.ask("GET", "/consumers/ann/consumer_groups")).body["data"] == []


async def test_what_is_not_there_or_there_already_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await make(place, "/consumers", username="ann")
        await make(place, "/consumer_groups", name="gold")
        path = "/consumer_groups/gold/consumers"
        for body, status in (
            ({"consumer": "eve"}, 404),
            ({}, 400),
            ({"consumer": []}, 400),
            ({"consumer": [7]}, 400),
            ({"consumer": "ann"}, 201),
            ({"consumer": "ann"}, 409),
        ):
            assert (await place.ask("POST", path, body)).status == status, body
        assert (await place.ask("GET", "/consumer_groups/none")).status == 404
        assert (await place.ask("GET", "/consumer_group_consumers")).status == 404


async def test_an_empty_name_is_not_all_of_them(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await make(place, "/consumers", username="ann")
        await make(place, "/consumer_groups", name="gold")
        await make(place, "/consumer_groups/gold/consumers", consumer="ann")
        for path in ("/consumer_groups/gold/consumers", "/consumers/ann/consumer_groups"):
            assert (await place.ask("DELETE", f"{path}/")).status == 404
            assert len((await place.ask("GET", f"{path}/")).body["data"]) == 1
