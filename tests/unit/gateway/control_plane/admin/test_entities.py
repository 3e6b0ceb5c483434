# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.support.control_plane import Place, run, running
from tests.support.documents import plugin_of, story


async def make(place: Place, path: str, **body: Any) -> dict[str, Any]:
    reply = await place.ask("POST", path, body)
    assert reply.status == 201, reply
    made: dict[str, Any] = reply.body
    return made


async def names(place: Place, path: str) -> list[str]:
    return [row["name"] for row in (await place.ask("GET", path)).body["data"]]


def test_pages_are_followed_by_their_offset_to_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            for number in range(5):
                await make(place, "/services", name=f"s{number}", host="a.test", tags=["t"])
            path: str | None = "/services?size=2&tags=t"
            seen: list[str] = []
            sizes = []
            while path is not None:
                reply = await place.ask("GET", path)
                sizes.append(len(reply.body["data"]))
                seen += [row["name"] for row in reply.body["data"]]
                path = reply.body["next"]
                assert ("offset" in reply.body) == (path is not None)
            assert sizes == [2, 2, 1]
            assert sorted(seen) == [f"s{number}" for number in range(5)]

    run(main)


def test_size_and_offset_that_cannot_be_are_kongs_errors(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            for size in ("0", "1001", "-1", "x", "1.5"):
                reply = await place.ask("GET", f"/services?size={size}")
                assert (reply.status, reply.body["code"]) == (400, 9), size
                assert reply.body["name"] == "invalid size"
            reply = await place.ask("GET", "/services?offset=%25%25")
            assert (reply.status, reply.body["code"]) == (400, 7)
            for path in ("/services?tags=a,b/c", "/services?tags="):
                reply = await place.ask("GET", path)
                assert (reply.status, reply.body["code"]) == (400, 11)

    run(main)


def test_tags_filter_by_all_or_by_any(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            for name, tags in (("one", ["a"]), ("two", ["a", "b"]), ("none", None)):
                await make(place, "/services", name=name, host="a.test", tags=tags)
            assert await names(place, "/services?tags=a,b") == ["two"]
            assert sorted(await names(place, "/services?tags=a/b")) == ["one", "two"]
            listed = await place.ask("GET", "/tags/b")
            assert [row["entity_name"] for row in listed.body["data"]] == ["services"]
            assert len((await place.ask("GET", "/tags")).body["data"]) == 3

    run(main)


def test_put_by_name_creates_and_replaces(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            first = await place.ask("PUT", "/services/a", {"host": "a.test", "retries": 3})
            second = await place.ask("PUT", "/services/a", {"host": "b.test"})
            assert (first.status, second.status) == (200, 200)
            assert second.body["id"] == first.body["id"]
            assert second.body["created_at"] == first.body["created_at"]
            assert (second.body["name"], second.body["retries"]) == ("a", 5)

    run(main)


def test_patch_merges_records_and_replaces_the_rest(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            await place.publish(story())
            plugin = (await place.ask("GET", "/routes/httpbinroute/plugins")).body["data"][0]
            change = {"config": {"topic": "other", "timeout": 1000}}
            reply = await place.ask("PATCH", f"/plugins/{plugin['id']}", change)
            assert reply.status == 200, reply
            expected = {**plugin["config"], "topic": "other", "timeout": 1000}
            assert reply.body["config"] == expected
            url = await place.ask("PATCH", "/services/httpbinservice", {"url": "https://b.test/p"})
            found = [url.body[name] for name in ("protocol", "host", "port", "path")]
            assert found == ["https", "b.test", 443, "/p"]
            null = await place.ask("PATCH", "/services/httpbinservice", {"path": None})
            assert null.body["path"] is None
            assert (await place.ask("PATCH", "/services/none", {})).status == 404

    run(main)


def test_errors_are_kongs_and_nothing_is_written(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            service = await make(place, "/services", name="a", host="a.test")
            cases = [
                ("POST", "/services", {"name": "a", "host": "b.test"}, 409, 5),
                ("POST", "/services", {"name": "b"}, 400, 2),
                ("POST", "/services", {"name": "b", "host": "b.test", "port": "x"}, 400, 2),
                ("POST", "/routes", {"paths": ["/a"], "service": {"id": str(uuid4())}}, 400, 4),
                ("POST", "/routes", {"paths": ["/a"], "service": {"name": "zzz"}}, 400, 4),
                ("POST", "/plugins", {"name": "banana"}, 400, 2),
                ("PUT", f"/services/{uuid4()}", {"name": "a", "host": "b.test"}, 409, 5),
            ]
            for method, path, body, status, code in cases:
                reply = await place.ask(method, path, body)
                assert (reply.status, reply.body["code"]) == (status, code), (path, reply)
                assert reply.body["message"]
                assert reply.body["name"]
            releases = await place.ask("GET", "/releases")
            assert len(releases.body["data"]) == 1
            assert (await place.ask("GET", f"/services/{service['id']}")).body == service

    run(main)


def test_foreign_keys_are_objects_and_may_be_given_by_name(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            service = await make(place, "/services", name="a", host="a.test")
            route = await make(place, "/routes", name="r", paths=["/r"], service={"name": "a"})
            assert route["service"] == {"id": service["id"]}
            lonely = await make(place, "/routes", name="l", paths=["/l"])
            assert lonely["service"] is None
            found = await place.ask("GET", "/routes/r/service")
            assert found.body["name"] == "a"
            assert (await place.ask("GET", "/routes/l/service")).status == 404
            assert await names(place, "/services/a/routes") == ["r"]

    run(main)


def test_what_is_nested_is_found_only_in_its_parent(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            for name in ("a", "b"):
                await make(place, "/services", name=name, host="a.test")
            await make(place, "/services/a/routes", name="r", paths=["/r"])
            assert (await place.ask("GET", "/services/a/routes/r")).status == 200
            assert (await place.ask("GET", "/services/b/routes/r")).status == 404
            assert (await place.ask("GET", "/services/none/routes")).status == 404
            assert (await place.ask("DELETE", "/services/b/routes/r")).status == 204
            assert (await place.ask("GET", "/routes/r")).status == 200, "not its route"
            assert (await place.ask("DELETE", "/services/a/routes/r")).status == 204
            assert (await place.ask("GET", "/routes/r")).status == 404
            assert (await place.ask("GET", "/targets")).status == 404

    run(main)


def test_deleting_takes_plugins_along_but_not_routes(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            await place.publish(story())
            refused = await place.ask("DELETE", "/services/httpbinservice")
            assert (refused.status, refused.body["code"]) == (400, 4)
            expected = "an existing 'routes' entity references this 'services' entity"
            assert refused.body["message"] == expected
            assert (await place.ask("DELETE", "/routes/httpbinroute")).status == 204
            assert (await place.ask("GET", "/plugins")).body["data"] == []
            assert (await place.ask("DELETE", "/services/httpbinservice")).status == 204
            assert (await place.ask("DELETE", "/services/httpbinservice")).status == 204

    run(main)


def test_deleting_what_never_was_makes_no_release(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            assert (await place.ask("DELETE", "/services/none")).status == 204
            assert (await place.ask("GET", "/releases")).body["data"] == []

    run(main)


def test_passwords_are_hashed_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            consumer = await make(place, "/consumers", username="alice")
            path = "/consumers/alice/basic-auth"
            made = await make(place, path, username="u", password="p")
            hashed = hashlib.sha1(f"p{consumer['id']}".encode()).hexdigest()
            assert made["password"] == hashed
            changed = await place.ask("PATCH", f"{path}/{made['id']}", {"username": "v"})
            assert (changed.body["username"], changed.body["password"]) == ("v", hashed)
            again = await place.ask("PATCH", f"{path}/{made['id']}", {"password": "q"})
            expected = hashlib.sha1(f"q{consumer['id']}".encode()).hexdigest()
            assert again.body["password"] == expected

    run(main)


def test_a_taken_api_key_is_not_shown(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            for name in ("alice", "bob"):
                await make(place, "/consumers", username=name)
            await make(place, "/consumers/alice/key-auth", key="planted-secret")
            body = {"key": "planted-secret"}
            reply = await place.ask("POST", "/consumers/bob/key-auth", body)
            assert reply.status == 409
            assert "planted-secret" not in str(reply.body)
            listed = (await place.ask("GET", "/key-auths")).body["data"]
            assert [row["key"] for row in listed] == ["planted-secret"]

    run(main)


def test_bodies_that_are_no_json_objects_are_refused(tmp_path: Path) -> None:
    def typed(media: str) -> dict[str, str]:
        return {"Content-Type": media}

    cases = [
        (b"[1]", typed("application/json"), 400),
        (b"{", typed("application/json; charset=utf-8"), 400),
        (b"a=b", typed("application/x-www-form-urlencoded"), 415),
        (b'{"name":"a","host":"a.test"}', typed("text/plain"), 415),
        (b'{"name":"a","host":"a.test"}', typed(""), 415),
    ]

    async def main() -> None:
        async with running(tmp_path) as place:
            for data, headers, status in cases:
                reply = await place.ask("POST", "/services", data=data, headers=headers)
                assert reply.status == status, (data, headers)
                assert reply.body["message"]

    run(main)


def test_methods_that_are_not_there_are_405_and_options_lists_those_that_are(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            reply = await place.ask("DELETE", "/services")
            assert (reply.status, reply.body) == (405, {"message": "Method not allowed"})
            options = await place.ask("OPTIONS", "/services")
            assert options.status == 204
            assert {"GET", "POST"} <= set(options.headers["Allow"].split(", "))
            unknown = await place.ask("GET", "/bananas")
            assert (unknown.status, unknown.body) == (404, {"message": "Not found"})

    run(main)


def test_a_single_write_keeps_the_owners_tag(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            await place.publish(story())
            await place.ask("PATCH", "/services/httpbinservice", {"tags": ["mine"]})
            found = await place.ask("GET", "/services/httpbinservice")
            assert found.body["tags"] == ["mine", "owner:stack-test"]
            live = await place.ask("GET", "/owners/stack-test")
            assert live.body["document"]["services"]["httpbinservice"]["tags"] == ["mine"]

    run(main)


def test_a_plugin_on_a_route_is_made_in_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place:
            route = await make(place, "/routes", name="r", paths=["/r"])
            config = plugin_of(story())["config"]
            made = await make(place, "/routes/r/plugins", name="kafka-upstream", config=config)
            assert made["route"] == {"id": route["id"]}
            again = {"name": "kafka-upstream", "config": config}
            assert (await place.ask("POST", "/routes/r/plugins", again)).status == 409

    run(main)


def test_writes_of_one_level_at_once_are_checked_one_after_the_other(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place, place.serving():
            same = [
                place.ask("PUT", f"/services/{uuid4()}", {"name": "same", "host": "a.test"})
                for _ in range(10)
            ]
            other = [
                place.ask("PUT", f"/services/{uuid4()}", {"name": f"s{n}", "host": "a.test"})
                for n in range(10)
            ]
            replies = await asyncio.gather(*same, *other)
            statuses = sorted(reply.status for reply in replies)
            assert statuses == [200] * 11 + [409] * 9
            assert len(await names(place, "/services")) == 11

    run(main)
