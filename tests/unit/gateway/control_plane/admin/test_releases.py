# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.control_plane import make, messages, running
from tests.support.documents import plugin_of, story, with_topic

pytestmark = pytest.mark.usefixtures("each_storage")


async def test_publishing_calls_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    bodies = [
        ({"document": {}}, "owner"),
        ({"owner": "", "document": {}}, "owner"),
        ({"owner": 7, "document": {}}, "owner"),
        ({"owner": "a"}, "document"),
        ({"owner": "a", "document": []}, "document"),
        ({"owner": "a", "document": {}, "wait": -1}, "wait"),
        ({"owner": "a", "document": {}, "wait": True}, "wait"),
        ({"owner": "a", "document": {}, "wait": 1e9}, "wait"),
        ({"owner": "a", "document": {}, "wiat": 1}, "wiat"),
        ({"owner": "a", "document": {}, "message": 5}, "message"),
    ]

    async with running(tmp_path) as place:
        for body, field in bodies:
            reply = await place.ask("POST", "/releases", body)
            assert reply.status == 400, body
            assert field in reply.body["fields"], reply
        for path in ("/releases/x", "/releases/1", "/releases/1/diff", "/owners/a"):
            assert (await place.ask("GET", path)).status == 404, path
        assert (await place.ask("DELETE", "/owners/a?wait=x")).status == 400
        assert (await place.ask("GET", "/releases?offset=x")).status == 400


async def test_releases_are_listed_in_pages_and_read_with_their_content(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for number in range(3):
            await place.ask("PUT", "/services/a", {"host": f"a{number}.test"})
        first = (await place.ask("GET", "/releases?size=2")).body
        assert [row["number"] for row in first["data"]] == [3, 2]
        second = (await place.ask("GET", first["next"])).body
        assert [row["number"] for row in second["data"]] == [1]
        assert second["next"] is None
        assert "offset" not in second
        one = (await place.ask("GET", "/releases/1")).body
        assert one["configuration"]["services"][0]["host"] == "a0.test"


async def test_two_owners_cannot_have_the_same_name_and_the_other_is_named(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.publish(story(), owner="stack-one")
        reply = await place.publish(story(), owner="stack-two")
        assert reply.status == 409
        assert reply.body["code"] == 5
        assert reply.body["name"] == "unique constraint violation"
        assert "UNIQUE violation detected on '{name=\"httpbinservice\"}'" in reply.body["message"]
        assert 'belongs to owner "stack-one"' in reply.body["message"]
        assert len(await messages(place)) == 1


async def test_a_name_made_by_hand_cannot_be_taken_over(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.ask("POST", "/services", {"name": "httpbinservice", "host": "a.test"})
        reply = await place.publish(story())
        assert reply.status == 409
        assert "belongs to no owner" in reply.body["message"]


async def test_owners_do_not_touch_each_other(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.publish(story(), owner="a/b c")
        other = {"services": {"other": {"host": "example.test"}}}
        await place.publish(other, owner="second")
        assert (await place.ask("DELETE", "/owners/second?wait=1")).status == 204
        left = (await place.ask("GET", "/services")).body["data"]
        assert [service["name"] for service in left] == ["httpbinservice"]
        owners = await place.ask("GET", "/owners")
        assert owners.body["data"] == [{"name": "a/b c"}]
        assert (await place.ask("GET", "/owners/a%2Fb%20c")).status == 200
        assert (await place.ask("DELETE", "/owners/second")).status == 404
        assert (await place.ask("GET", "/owners/second")).status == 404


async def test_a_document_that_is_wrong_changes_nothing_and_lists_every_problem(
    tmp_path: Path,
) -> None:
    document = story()
    plugin_of(document)["config"]["topik"] = plugin_of(document)["config"].pop("topic")
    document["services"]["httpbinservice"]["prot"] = 1

    async with running(tmp_path) as place:
        reply = await place.publish(document)
        assert reply.status == 400
        problems = "\n".join(reply.body["problems"])
        assert "config.topik: unknown field" in problems
        assert 'services["httpbinservice"].prot: unknown field' in problems
        assert (await messages(place)) == []


async def test_the_difference_of_two_releases_is_by_the_line(tmp_path: Path) -> None:
    path = 'services["httpbinservice"].routes["httpbinroute"].plugins["kafka-upstream"]'

    async with running(tmp_path) as place:
        await place.publish(with_topic("one"))
        await place.publish(with_topic("two"))
        other = {"services": {"other": {"host": "example.test"}}}
        await place.publish(other, owner="second")
        reply = await place.ask("GET", "/releases/1/diff?to=2")
        assert reply.body == {
            "from": 1,
            "to": 2,
            "changes": {f"{path}.config.topic": "update"},
        }
        newest = await place.ask("GET", "/releases/1/diff")
        assert newest.body["to"] == 3
        assert newest.body["changes"]['services["other"]'] == "add"
        assert (await place.ask("GET", "/releases/1/diff?to=9")).status == 404


async def test_entities_of_two_collections_may_have_the_same_id(tmp_path: Path) -> None:
    one = "11111111-0000-4000-8000-000000000000"
    async with running(tmp_path) as place:
        await make(place, "/consumers", id=one, username="ann")
        await make(place, "/consumers/ann/key-auth", id=one, key="k")
        await make(place, "/services", id=one, name="a", host="a.test")
        reply = await place.ask("GET", "/releases/1/diff?to=3")
        assert reply.status == 200
        assert list(reply.body["changes"]) == [
            'consumers["ann"].keyauth_credentials["11111111-0000-4000-8000-000000000000"]',
            'services["a"]',
        ]
        assert (await place.ask("DELETE", "/services/a")).status == 204
        assert (await place.ask("GET", "/consumers/ann")).status == 200
        assert (await place.ask("GET", f"/key-auths/{one}")).status == 200


async def test_whatever_characters_a_caller_sends_are_no_error_of_ours(tmp_path: Path) -> None:
    """PostgreSQL keeps no NUL; what cannot be kept is shown as another character, or refused."""
    text = "a\0b\N{GRINNING FACE}\x7f"
    async with running(tmp_path) as place:
        for number, field in enumerate(("owner", "message", "who"), 1):
            document = {"services": {f"s{number}": {"host": "a.test"}}}
            body = {"owner": "o", "document": document, "wait": 0, field: text}
            reply = await place.ask("POST", "/releases", body)
            assert (reply.status, reply.body["number"]) == (201, number), reply
        assert (await place.ask("GET", "/owners/a%00b%F0%9F%98%80%7F")).status == 200
        assert (await place.ask("DELETE", "/tokens/a%00b")).status == 404
        for path in ("/consumers/a%00b", "/services/a%00b", "/certificates/a%00b"):
            assert (await place.ask("PUT", path, {"host": "a.test"})).status in (200, 400), path
        for path in ("/releases/999999999999999", "/releases/1/diff?to=2147483648"):
            assert (await place.ask("GET", path)).status == 404, path
        listed = await place.ask("GET", "/releases?offset=2147483648")
        assert len(listed.body["data"]) == len((await place.ask("GET", "/releases")).body["data"])
