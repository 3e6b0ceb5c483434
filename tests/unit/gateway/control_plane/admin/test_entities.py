# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.control_plane import AS_OWNER, Place, make, names, running
from tests.support.documents import plugin_of, story


async def test_put_by_name_creates_and_replaces(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        first = await place.ask("PUT", "/services/a", {"host": "a.test", "retries": 3})
        second = await place.ask("PUT", "/services/a", {"host": "b.test"})
        assert (first.status, second.status) == (200, 200)
        assert second.body["id"] == first.body["id"]
        assert second.body["created_at"] == first.body["created_at"]
        assert (second.body["name"], second.body["retries"]) == ("a", 5)


async def test_patch_merges_records_and_replaces_the_rest(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.publish(story())
        plugin = (await place.ask("GET", "/routes/httpbinroute/plugins")).body["data"][0]
        change = {"config": {"topic": "other", "timeout": 1000}}
        place.headers = AS_OWNER
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


async def test_a_condition_of_a_plugin_is_shown_where_it_is_and_taken_back_by_null(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as place:
        text = 'http.headers.x_block == "true"'
        body = {"name": "request-termination", "condition": text}
        made = await make(place, "/plugins", **body)
        assert made["condition"] == text
        path = f"/plugins/{made['id']}"
        again = await place.ask("PUT", path, body)
        assert (again.status, again.body["condition"]) == (200, text)
        wrong = await place.ask("PATCH", path, {"condition": "http.headers.x_block == "})
        assert wrong.status == 400
        assert "line 1, column" in wrong.body["fields"]["condition"]
        without = await place.ask("PATCH", path, {"condition": None})
        assert "condition" not in without.body


@pytest.mark.parametrize(
    ("change", "port"),
    [
        ({"redis": {"port": 8}}, 8),
        ({"redis": {"port": 6379}}, 6379),
        ({"redis": {"port": None}}, 6379),
        ({"redis_port": 8}, 8),
        ({"redis_port": 6379}, 6379),
        ({"redis": {"port": 6379}, "redis_port": 8}, 8),
        ({"redis": {"port": 9}, "redis_port": 8}, 9),
        ({"minute": 2}, 7),
    ],
)
async def test_a_patch_changes_what_it_names_by_either_name_of_a_field_of_redis(
    tmp_path: Path, change: dict[str, Any], port: int
) -> None:
    async with running(tmp_path) as place:
        config = {"minute": 1, "policy": "redis", "redis": {"host": "h", "port": 7}}
        made = await make(place, "/plugins", name="rate-limiting", config=config)
        found = await place.ask("PATCH", f"/plugins/{made['id']}", {"config": change})
        assert found.status == 200, found
        assert found.body["config"]["redis"]["port"] == port
        assert found.body["config"]["redis_port"] == port


async def test_errors_are_kongs_and_nothing_is_written(tmp_path: Path) -> None:
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


async def test_foreign_keys_are_objects_and_may_be_given_by_name(tmp_path: Path) -> None:
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


async def test_what_is_nested_is_found_only_in_its_parent(tmp_path: Path) -> None:
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


async def test_deleting_takes_plugins_along_but_not_routes(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.publish(story())
        refused = await place.ask("DELETE", "/services/httpbinservice")
        assert (refused.status, refused.body["code"]) == (400, 4)
        expected = "an existing 'routes' entity references this 'services' entity"
        assert refused.body["message"] == expected
        place.headers = AS_OWNER
        assert (await place.ask("DELETE", "/routes/httpbinroute")).status == 204
        assert (await place.ask("GET", "/plugins")).body["data"] == []
        assert (await place.ask("DELETE", "/services/httpbinservice")).status == 204
        assert (await place.ask("DELETE", "/services/httpbinservice")).status == 204


async def test_deleting_what_never_was_makes_no_release(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        assert (await place.ask("DELETE", "/services/none")).status == 204
        assert (await place.ask("GET", "/releases")).body["data"] == []


async def test_passwords_are_hashed_once(tmp_path: Path) -> None:
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


async def test_a_taken_api_key_is_not_shown(tmp_path: Path) -> None:
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


async def test_a_single_write_keeps_the_owners_tag(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await place.publish(story())
        place.headers = AS_OWNER
        await place.ask("PATCH", "/services/httpbinservice", {"tags": ["mine"]})
        found = await place.ask("GET", "/services/httpbinservice?owner_tags=true")
        assert found.body["tags"] == ["mine", "owner:stack-test"]
        live = await place.ask("GET", "/owners/stack-test")
        assert live.body["document"]["services"]["httpbinservice"]["tags"] == ["mine"]


async def test_a_plugin_on_a_route_is_made_in_it(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        route = await make(place, "/routes", name="r", paths=["/r"])
        config = plugin_of(story())["config"]
        made = await make(place, "/routes/r/plugins", name="kafka-upstream", config=config)
        assert made["route"] == {"id": route["id"]}
        again = {"name": "kafka-upstream", "config": config}
        assert (await place.ask("POST", "/routes/r/plugins", again)).status == 409


async def test_writes_of_one_level_at_once_are_checked_one_after_the_other(tmp_path: Path) -> None:
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


async def test_a_plugin_that_never_runs_is_written_with_a_warning(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        published = await place.publish(story())
        assert published.body["warnings"] == []
        own = plugin_of(story())
        first = (await place.ask("GET", "/routes/httpbinroute/plugins")).body["data"][0]
        other = "kafka-upstream" if first["name"] == "confluent" else "confluent"
        config = {name: own["config"][name] for name in ("bootstrap_servers", "topic")}
        more = {"cluster_api_key": "k", "cluster_api_secret": "s"}
        config |= more if other == "confluent" else {"forward_body": True}
        made = await place.ask(
            "POST", "/routes/httpbinroute/plugins", {"name": other, "config": config}
        )
        assert made.status == 201, made
        assert made.headers["Warning"].startswith('299 kafka-gateway "routes[')
        plain = await place.ask("POST", "/routes/httpbinroute/plugins", {"name": "cors"})
        assert plain.status == 201
        assert "Warning" not in plain.headers


async def test_keys_that_cannot_be_used_are_answered_with_kongs_codes_and_fields(
    tmp_path: Path,
) -> None:
    none = str(uuid4())
    async with running(tmp_path) as place:
        service = await make(place, "/services", name="a", host="a.test")
        one = {"id": service["id"]}
        route = await make(place, "/routes", name="r", paths=["/r"], service=one)
        await make(place, "/plugins", name="cors", service=one)
        cors = {"consumer": None, "consumer_group": None, "name": "cors", "route": None}
        ca = "/ca_certificates/no-id"
        no_id = {"id": "expected a valid UUID"}
        taken = {"id": service["id"], "name": "b", "host": "b.test"}
        nowhere = {"paths": ["/x"], "service": {"id": none}}
        used = {"@referenced_by": "routes"}
        for method, path, body, status, code, fields in (
            ("GET", ca, None, 400, 1, no_id),
            ("PUT", ca, {}, 400, 1, no_id),
            ("PATCH", ca, {}, 400, 1, no_id),
            ("DELETE", ca, None, 400, 1, no_id),
            ("POST", "/services", taken, 400, 3, one),
            ("POST", "/routes", nowhere, 400, 4, {"service": {"id": none}}),
            ("PATCH", "/routes/r", {"service": {"name": "z"}}, 400, 4, {"service": {"name": "z"}}),
            ("DELETE", "/services/a", None, 400, 4, used),
            ("POST", "/services", {"name": "a", "host": "b.test"}, 409, 5, {"name": "a"}),
            ("POST", "/plugins", {"name": "cors", "service": one}, 409, 5, cors | {"service": one}),
            ("PATCH", f"/services/{none}", {}, 404, 6, {"id": none}),
            ("PATCH", "/services/none", {}, 404, 6, {"name": "none"}),
        ):
            reply = await place.ask(method, path, body)
            got = reply.status, reply.body.get("code"), reply.body.get("fields")
            assert got == (status, code, fields), (method, path, reply)
        texts = {
            f"/services/{none}": f"could not find the entity with primary key '{{id=\"{none}\"}}'",
            "/services/none": "could not find the entity with '{name=\"none\"}'",
        }
        for path, text in texts.items():
            assert (await place.ask("PATCH", path, {})).body["message"] == text
        assert (await place.ask("GET", "/services/none")).body == {"message": "Not found"}
        assert (await place.ask("GET", "/routes/r")).body == route


async def test_what_an_entity_refers_to_is_below_it(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await make(place, "/services", name="a", host="a.test")
        await make(place, "/services/a/routes", name="r", paths=["/r"])
        await make(place, "/consumers", username="ann")
        key = await make(place, "/consumers/ann/key-auth", key="k")
        cors = await make(place, "/services/a/plugins", name="cors")
        for path, name in (
            ("/routes/r/service", "a"),
            (f"/plugins/{cors['id']}/service", "a"),
            (f"/key-auths/{key['id']}/consumer", "ann"),
        ):
            found = await place.ask("GET", path)
            assert name in (found.body.get("name"), found.body.get("username")), path
            assert (await place.ask("PATCH", path, {"tags": ["x"]})).body["tags"] == ["x"]
            assert (await place.ask("DELETE", path)).status == 405
        for path in (f"/plugins/{cors['id']}/route", "/services/a/client_certificate"):
            assert (await place.ask("GET", path)).body == {"message": "Not found"}
        replaced = await place.ask("PUT", "/routes/r/service", {"name": "a", "host": "b.test"})
        assert (replaced.body["host"], replaced.body["tags"]) == ("b.test", None)


async def test_a_consumer_is_found_by_its_custom_id(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for name in ("ann", "bob"):
            await make(place, "/consumers", username=name, custom_id=f"id {name}")
        found = await place.ask("GET", "/consumers?custom_id=id%20bob")
        assert [row["username"] for row in found.body["data"]] == ["bob"]
        none = await place.ask("GET", "/consumers?custom_id=none")
        assert none.body == {"data": [], "next": None}


@pytest.mark.parametrize("wait", ["-1", "601", "nan", "x", ""])
async def test_a_wrong_wait_is_refused_whatever_else_is_asked_for(
    tmp_path: Path, wait: str
) -> None:
    async with running(tmp_path) as place:
        place.headers = {"X-Kafka-Gateway-Wait": wait}
        for method, path, body in (
            ("DELETE", "/services/nothing", None),
            ("DELETE", "/consumer_groups/nothing/consumers/nobody", None),
            ("PUT", "/services/a", {"host": "a.test"}),
            ("POST", "/services", {"host": "a.test"}),
        ):
            for held in ({}, {"X-Kafka-Gateway-Hold": "h"}):
                reply = await place.ask(method, path, body, headers=held)
                assert (reply.status, "600" in reply.body["message"]) == (400, True), (path, held)


async def test_a_whole_number_is_an_integer_however_it_is_written(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        headers = {"Content-Type": "application/json"}
        for text in ("3", "3.0", "3e0"):
            body = f'{{"host": "a.test", "retries": {text}}}'
            reply = await place.ask("PUT", "/services/a", data=body, headers=headers)
            assert (reply.status, reply.body["retries"]) == (200, 3)
            assert type(reply.body["retries"]) is int
        half = await place.ask("PATCH", "/services/a", {"retries": 3.5})
        assert half.body["fields"] == {"retries": "expected an integer"}


async def test_a_number_may_be_as_large_as_json_has_them(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        config = {"minute": 1e300}
        made = await make(place, "/plugins", name="rate-limiting", config=config)
        assert made["config"]["minute"] == 1e300
        document = {"plugins": {"rate-limiting": {"config": config}}}
        assert (await place.ask("DELETE", f"/plugins/{made['id']}")).status == 204
        assert (await place.publish(document, wait=0)).status < 300


@pytest.mark.parametrize("depth", [100, 1000])
async def test_a_body_nested_deeply_is_refused_as_any_other(tmp_path: Path, depth: int) -> None:
    async with running(tmp_path) as place:
        body = b'{"host": ' + b"[" * depth + b"]" * depth + b"}"
        for method, path in (("POST", "/services"), ("PUT", "/services/a")):
            json = {"Content-Type": "application/json"}
            reply = await place.ask(method, path, data=body, headers=json)
            assert reply.status == 400, reply


async def _weights(place: Place, upstream: str) -> dict[str, int]:
    reply = await place.ask("GET", f"/upstreams/{upstream}/targets")
    return {row["target"]: row["weight"] for row in reply.body["data"]}


async def test_a_target_of_a_path_is_the_one_of_its_upstream(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for upstream in ("a", "b"):
            await make(place, "/upstreams", name=upstream)
            await make(place, f"/upstreams/{upstream}/targets", target="h.test:80")
        for upstream, other in (("a", "b"), ("b", "a")):
            path = f"/upstreams/{upstream}/targets/h.test:80"
            untouched = await _weights(place, other)
            for method, weight in (("PATCH", 1), ("PUT", 2)):
                reply = await place.ask(method, path, {"weight": weight})
                assert (reply.status, reply.body["weight"]) == (200, weight)
                assert await _weights(place, upstream) == {"h.test:80": weight}
                assert await _weights(place, other) == untouched
            assert (await place.ask("DELETE", path)).status == 204
            assert await _weights(place, upstream) == {}
            assert await _weights(place, other) == untouched
            again = await place.ask("PUT", path, {"weight": 3})
            assert again.status == 200
            assert await _weights(place, upstream) == {"h.test:80": 3}
            assert await _weights(place, other) == untouched
            moved = await place.ask("PATCH", path, {"target": "i.test:80"})
            assert (moved.status, moved.body["target"]) == (200, "i.test:80")
            assert (await place.ask("PATCH", path, {"weight": 4})).status == 404
            assert await _weights(place, other) == untouched


async def test_a_group_of_a_consumer_is_known_by_its_name(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for name in ("ann", "bob"):
            await make(place, "/consumers", username=name)
            made = await place.ask("PUT", f"/consumers/{name}/acls/staff", {"tags": [name]})
            assert (made.status, made.body["group"]) == (200, "staff")
        ann = await place.ask("GET", "/consumers/ann/acls/staff")
        assert (ann.status, ann.body["tags"]) == (200, ["ann"])
        again = await place.ask("PUT", "/consumers/ann/acls/staff", {})
        assert (again.body["id"], again.body["tags"]) == (ann.body["id"], None)
        change = await place.ask("PATCH", "/consumers/ann/acls/staff", {"group": "boss"})
        assert (change.status, change.body["group"]) == (200, "boss")
        assert (await place.ask("GET", "/consumers/ann/acls/staff")).status == 404
        assert (await place.ask("DELETE", "/consumers/ann/acls/boss")).status == 204
        assert (await place.ask("GET", "/consumers/ann/acls")).body["data"] == []
        assert (await place.ask("GET", "/consumers/bob/acls/staff")).body["tags"] == ["bob"]


async def test_an_id_is_the_same_in_capitals(tmp_path: Path) -> None:
    capitals = str(uuid4()).upper()
    own = capitals.lower()
    async with running(tmp_path) as place:
        made = await place.ask("PUT", f"/services/{capitals}", {"host": "a.test"})
        assert made.body["id"] == own
        again = await place.ask("PUT", f"/services/{own}", {"host": "b.test", "id": capitals})
        assert (again.status, again.body["created_at"]) == (200, made.body["created_at"])
        route = await make(place, "/routes", paths=["/"], service={"id": capitals})
        assert route["service"] == {"id": own}
        path = f"/services/{capitals}/routes/{route['id'].upper()}"
        assert (await place.ask("PATCH", path, {"paths": ["/b"]})).status == 200
        assert (await place.ask("DELETE", path)).status == 204
        assert (await place.ask("DELETE", f"/services/{capitals}")).status == 204
        assert (await place.ask("GET", "/services")).body["data"] == []


async def test_an_id_of_a_document_is_the_same_in_capitals(tmp_path: Path) -> None:
    service, consumer = str(uuid4()).upper(), str(uuid4()).upper()
    key_auth = {"config": {"anonymous": consumer}}
    routes = {"r": {"paths": ["/"], "plugins": {"key-auth": key_auth}}}
    document = {
        "services": {"s": {"id": service, "host": "a.test", "routes": routes}},
        "routes": {"other": {"paths": ["/o"], "service": service.lower()}},
        "consumers": {"c": {"id": consumer}},
    }
    async with running(tmp_path) as place:
        for _ in range(2):
            assert (await place.publish(document, wait=0)).status < 300
        found = (await place.ask("GET", "/routes")).body["data"]
        assert [row["service"] for row in found] == [{"id": service.lower()}] * 2


async def test_a_target_is_named_with_its_port_or_without(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        await make(place, "/upstreams", name="u")
        made = await place.ask("PUT", "/upstreams/u/targets/a.test", {"weight": 5})
        again = await place.ask("PUT", "/upstreams/u/targets/a.test", {"weight": 6})
        assert (again.body["id"], again.body["weight"]) == (made.body["id"], 6)
        for name in ("a.test", "a.test:8000"):
            path = f"/upstreams/u/targets/{name}"
            assert (await place.ask("GET", path)).body["target"] == "a.test:8000"
            assert (await place.ask("PATCH", path, {"weight": 7})).body["weight"] == 7
            assert (await place.ask("PUT", f"{path}/healthy")).status == 400  # it is there
        assert (await place.ask("GET", "/upstreams/u/targets/a.test:80")).status == 404
        assert (await place.ask("DELETE", "/upstreams/u/targets/a.test")).status == 204
        assert (await place.ask("GET", "/upstreams/u/targets")).body["data"] == []
