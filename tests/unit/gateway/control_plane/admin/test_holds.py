# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.control_plane import messages, names, running
from tests.support.deck import guarded_routes, sync

pytestmark = pytest.mark.usefixtures("each_storage")

HOLD = {"X-Kafka-Gateway-Hold": "ci-42"}


async def test_what_is_held_is_seen_within_the_hold_and_published_as_one_release(
    tmp_path: Path,
) -> None:
    seen: list[int] = []
    async with (
        running(tmp_path) as place,
        place.serving(lambda table: seen.append(len(table["plugins"]))),
    ):
        replies = await sync(place, guarded_routes(12), HOLD)
        assert {reply.status for reply in replies} == {200}
        assert await names(place, "/routes") == []
        within = await place.ask("GET", "/routes", headers=HOLD)
        assert len(within.body["data"]) == 12
        assert await messages(place) == []
        shown = (await place.ask("GET", "/holds/ci-42")).body
        assert shown["summary"] == "27 created"
        assert (shown["writes"], shown["state"]) == (27, "open")
        published = await place.ask("POST", "/holds/ci-42/publish", {"who": "me", "wait": 10})
        assert (published.status, published.body["number"]) == (201, 1)
        assert published.body["data_planes"][0]["status"] == "confirmed"
        assert published.body["message"] == "hold ci-42: 27 created"
        assert published.body["who"] == "me"
        assert seen == [12]
        assert len(await names(place, "/routes")) == 12
        assert (await place.ask("GET", "/holds/ci-42")).status == 404
        ended = (await place.ask("GET", "/holds")).body["data"][0]
        assert (ended["state"], ended["release"]) == ("published", 1)
        again = await sync(place, guarded_routes(12), HOLD)
        assert {reply.status for reply in again} == {200}
        same = await place.ask("POST", "/holds/ci-42/publish")
        assert (same.status, same.body["unchanged"]) == (201, True)


async def test_a_dropped_hold_leaves_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await sync(place, guarded_routes(3), HOLD)
        assert (await place.ask("DELETE", "/holds/ci-42")).status == 204
        assert (await place.ask("DELETE", "/holds/ci-42")).status == 404
        assert (await place.ask("POST", "/holds/ci-42/publish")).status == 404
        within = await place.ask("GET", "/routes", headers=HOLD)
        assert within.body["data"] == []
        assert await messages(place) == []


async def test_holds_do_not_see_each_other_but_see_what_is_published(tmp_path: Path) -> None:
    other = {"X-Kafka-Gateway-Hold": "other"}
    async with running(tmp_path) as place:
        await place.ask("PUT", "/services/a", {"host": "a.test"}, headers=HOLD)
        await place.ask("PUT", "/services/b", {"host": "b.test"}, headers=other)
        await place.publish({"services": {"c": {"host": "c.test"}}}, wait=0)
        for headers, expected in ((HOLD, ["a", "c"]), (other, ["b", "c"]), ({}, ["c"])):
            found = (await place.ask("GET", "/services", headers=headers)).body["data"]
            assert sorted(row["name"] for row in found) == expected
        for name in ("ci-42", "other"):
            reply = await place.ask("POST", f"/holds/{name}/publish", {"wait": 0})
            assert reply.status == 201
        assert sorted(await names(place, "/services")) == ["a", "b", "c"]


async def test_a_hold_that_no_longer_fits_is_refused_and_stays(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.ask("PUT", "/services/a", {"host": "a.test"})
        body = {"paths": ["/r"], "service": {"name": "a"}}
        await place.ask("PUT", "/routes/r", body, headers=HOLD)
        assert (await place.ask("DELETE", "/services/a")).status == 204
        reply = await place.ask("POST", "/holds/ci-42/publish", {"wait": 0})
        assert reply.status == 400, reply
        assert "does not reference" in reply.body["message"]
        assert (await place.ask("DELETE", "/routes/r", headers=HOLD)).status == 204
        assert (await place.ask("POST", "/holds/ci-42/publish", {"wait": 0})).status == 201


async def test_what_a_data_plane_refuses_of_a_hold_is_taken_back_as_a_whole(tmp_path: Path) -> None:
    def judge(table: object) -> str | None:
        return "no" if "key-auth" in str(table) else None

    async with running(tmp_path) as place, place.serving(judge):
        await sync(place, guarded_routes(3), HOLD)
        reply = await place.ask("POST", "/holds/ci-42/publish", {"wait": 10})
        assert (reply.status, reply.body["rolled_back_by"]) == (409, 2)
        assert await names(place, "/routes") == []


async def test_a_wrong_name_or_call_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for name in ("a b", "a/b", "", "x" * 101):
            headers = {"X-Kafka-Gateway-Hold": name}
            reply = await place.ask("PUT", "/services/a", {"host": "a"}, headers=headers)
            assert reply.status == 400, name
        await place.ask("PUT", "/services/a", {"host": "a.test"}, headers=HOLD)
        reply = await place.ask("POST", "/holds/ci-42/publish", {"wiat": 1})
        assert (reply.status, reply.body["fields"]) == (400, {"wiat": "unknown field"})
        assert (await place.ask("GET", "/holds/ci-42")).status == 200
