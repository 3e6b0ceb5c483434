# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.control_plane import make, running


async def test_schemas_are_served_and_checked_against(tmp_path: Path) -> None:
    plugin = {"name": "kafka-upstream", "config": {"topik": "a"}}

    async with running(tmp_path) as place:
        assert (await place.ask("GET", "/schemas/routes")).body["fields"]
        schema = await place.ask("GET", "/schemas/plugins/kafka-upstream")
        assert any("config" in field for field in schema.body["fields"])
        for path in ("/schemas/bananas", "/schemas/plugins/banana", "/schemas/x/validate"):
            method = "POST" if path.endswith("validate") else "GET"
            reply = await place.ask(method, path)
            assert reply.status == 404
            assert reply.body["message"]
        wrong = await place.ask("POST", "/schemas/plugins/validate", plugin)
        assert wrong.body["fields"]["config"]["topik"] == "unknown field"
        enabled = await place.ask("GET", "/plugins/enabled")
        assert "kafka-upstream" in enabled.body["enabled_plugins"]
        assert "/services" in (await place.ask("GET", "/endpoints")).body["data"]


@pytest.mark.parametrize(
    "more",
    [
        {"name": "a"},
        {"name": "another"},
        {"name": None},
        {"host": "a.test", "tags": ["x"]},
        {"username": "b"},
        {"created_at": 1},
    ],
)
async def test_of_a_foreign_entity_only_the_primary_key_counts(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    async with running(tmp_path) as place:
        ids = {
            "service": (await make(place, "/services", name="a", host="a.test"))["id"],
            "route": (await make(place, "/routes", name="a", paths=["/a"]))["id"],
            "consumer": (await make(place, "/consumers", username="a"))["id"],
            "consumer_group": (await make(place, "/consumer_groups", name="a"))["id"],
            "upstream": (await make(place, "/upstreams", name="a"))["id"],
        }
        bodies: list[tuple[str, str, str, dict[str, Any]]] = [
            ("routes", "routes", "service", {"paths": ["/x"]}),
            ("plugins", "plugins", "service", {"name": "key-auth"}),
            ("plugins", "plugins", "route", {"name": "key-auth"}),
            ("plugins", "plugins", "consumer", {"name": "rate-limiting", "config": {"hour": 1}}),
            ("keyauth_credentials", "key-auths", "consumer", {"key": "k"}),
            ("acls", "acls", "consumer", {"group": "g"}),
            ("targets", "upstreams/a/targets", "upstream", {"target": "127.0.0.1:80"}),
        ]
        for collection, path, field, body in bodies:
            full = {**body, field: {"id": ids[field], **more}}
            checked = await place.ask("POST", f"/schemas/{collection}/validate", full)
            assert checked.status == 200, (collection, checked)
            written = await place.ask("POST", f"/{path}", full)
            assert written.status == 201, (collection, written)
            assert written.body[field] == {"id": ids[field]}


async def test_a_check_does_not_ask_whether_a_foreign_entity_exists(tmp_path: Path) -> None:
    elsewhere: list[dict[str, str]] = [
        {"id": str(uuid4()), "name": "none"},
        {"id": str(uuid4())},
        {"name": "none"},
    ]
    async with running(tmp_path) as place:
        for service in elsewhere:
            body: dict[str, Any] = {"paths": ["/x"], "service": service}
            assert (await place.ask("POST", "/schemas/routes/validate", body)).status == 200
            refused = await place.ask("POST", "/routes", body)
            assert (refused.status, refused.body["code"]) == (400, 4)
        for wrong in ({"id": "x", "name": "none"}, {}, 7):
            other = {"paths": ["/x"], "service": wrong}
            reply = await place.ask("POST", "/schemas/routes/validate", other)
            assert (reply.status, reply.body["code"]) == (400, 2), wrong
            assert "service" in reply.body["fields"]


async def test_schemas_of_vaults_and_partials_and_former_fields_are_served(tmp_path: Path) -> None:
    async with running(tmp_path) as place:

        async def fields(path: str, part: str = "fields") -> dict[str, Any]:
            reply = await place.ask("GET", path)
            assert reply.status == 200, reply
            return {name: shape for one in reply.body[part] for name, shape in one.items()}

        assert (await fields("/schemas/partials"))["type"]["one_of"] == ["redis-ce", "redis-ee"]
        redis = (await fields("/schemas/partials/redis-ce"))["config"]["fields"]
        assert {"port": 6379} in [
            {name: shape.get("default")} for one in redis for name, shape in one.items()
        ]
        assert "prefix" in await fields("/schemas/vaults")
        assert (await place.ask("GET", "/schemas/partials/none")).status == 404
        assert "url" in await fields("/schemas/services", "shorthand_fields")
        assert "url" not in await fields("/schemas/services")
        assert (await fields("/schemas/certificates"))["snis"]["type"] == "set"
        config = (await fields("/schemas/plugins/rate-limiting"))["config"]
        former = [name for one in config["shorthand_fields"] for name in one]
        assert "redis_host" in former
