# SPDX-License-Identifier: Apache-2.0
"""``POST /config`` takes what Kong without a database takes, and publishes it as one release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from tests.support.control_plane import Place, Reply, make, messages, names, running

TOKEN = "planted-admin-token"
ADMIN = {"Kong-Admin-Token": TOKEN}
CONFIG = """
_format_version: "3.0"
services:
- name: a
  host: a.test
  routes:
  - name: a
    paths: [/a]
consumers:
- username: ann
  keyauth_credentials:
  - key: planted-api-key
"""
JSON = {
    "_format_version": "3.0",
    "services": [{"name": "a", "host": "a.test", "routes": [{"name": "a", "paths": ["/a"]}]}],
}


async def send(place: Place, data: Any, media: str | None, query: str = "") -> Reply:
    """Send a body of a type."""
    headers = {} if media is None else {"Content-Type": media}
    return await place.ask("POST", f"/config{query}", data=data, headers=headers)


def form() -> aiohttp.FormData:
    """Return a form with the configuration as a file."""
    made = aiohttp.FormData()
    made.add_field("config", CONFIG, filename="kong.yml", content_type="application/yaml")
    return made


@pytest.mark.parametrize(
    ("data", "media"),
    [
        (CONFIG, "application/yaml"),
        (CONFIG, "text/yaml"),
        (CONFIG, "text/plain"),
        (json.dumps(JSON), "application/json"),
        (json.dumps({"config": CONFIG}), "application/json"),
        (json.dumps(JSON), "text/plain"),
        ("config=" + quote(CONFIG), "application/x-www-form-urlencoded"),
        (None, "multipart/form-data"),
    ],
)
async def test_all_forms_of_a_body_publish_the_same(
    tmp_path: Path, data: str | None, media: str
) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        reply = await send(place, data or form(), None if data is None else media)
        assert reply.status == 201, reply
        assert [one["name"] for one in reply.body["services"].values()] == ["a"]
        (route,) = reply.body["routes"].values()
        assert list(reply.body["services"]) == [route["service"]["id"]]
        assert reply.headers["X-Kafka-Gateway-Release"] == "1"
        assert await names(place, "/services") == ["a"]
        assert await messages(place) == ["config of config"]
        again = await send(place, data or form(), None if data is None else media)
        assert (again.status, again.headers["X-Kafka-Gateway-Release"]) == (201, "1")


async def test_it_replaces_what_its_owner_had_and_nothing_else(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        await make(place, "/services", name="other", host="a.test")
        assert (await send(place, CONFIG, "text/yaml", "?owner=team-a")).status == 201
        smaller = '_format_version: "3.0"\nservices: [{name: b, host: a.test}]\n'
        assert (await send(place, smaller, "text/yaml", "?owner=team-a")).status == 201
        assert set(await names(place, "/services")) == {"other", "b"}
        assert (await place.ask("GET", "/routes")).body["data"] == []
        assert (await place.ask("GET", "/owners")).body["data"] == [{"name": "team-a"}]


async def test_with_check_hash_the_same_again_is_304(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        assert (await send(place, CONFIG, "text/yaml", "?check_hash=1")).status == 201
        same = await send(place, CONFIG, "text/yaml", "?check_hash=1")
        assert (same.status, same.body) == (304, b"")
        assert len(await messages(place)) == 1


BROKEN = """
_format_version: "3.0"
services:
- name: a
  host: a.test
  port: 70000
  tags: [t]
  routes:
  - name: r
    paths: [a]
  - name: s
    protocols: [http]
    sources: [{ip: 1.1.1.1}]
consumers:
- username: ann
  keyauth_credentials:
  - key: 7
"""


async def test_what_is_wrong_is_error_14_and_nothing_is_published(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        reply = await send(place, BROKEN, "text/yaml")
        assert reply.status == 400
        assert (reply.body["code"], reply.body["name"]) == (14, "invalid declarative configuration")
        assert reply.body["message"].startswith("declarative config is invalid: ")
        assert "65535" in reply.body["fields"]["services"]["a"]["port"]
        assert "flattened_errors" not in reply.body
        assert (await place.ask("GET", "/releases")).body["data"] == []


async def test_with_flatten_errors_they_are_by_entity(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        reply = await send(place, BROKEN, "text/yaml", "?flatten_errors=1")
        assert reply.status == 400
        assert reply.body["fields"] == {}
        by = {
            (one["entity_type"], one.get("entity_name")): one
            for one in reply.body["flattened_errors"]
        }
        service = by["service", "a"]
        assert service["entity_tags"] == ["t"]
        (error,) = service["errors"]
        assert (error["type"], error["field"]) == ("field", "port")
        assert by["route", "r"]["errors"][0]["field"] == "paths.1"
        assert ("keyauth_credential", None) in by


_LINES = (f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 20)}]" for n in range(1, 9))
LAUGHS = "\n".join(["a0: &a0 [x]", *_LINES])
"""A kilobyte that stands for 20 to the power of 8 values."""


@pytest.mark.parametrize(
    ("data", "media", "status", "text"),
    [
        ("", "text/yaml", 400, "expected a declarative configuration"),
        ("{}", "application/json", 400, "expected a declarative configuration"),
        ("[]", "application/json", 400, "expected a declarative configuration"),
        ("{", "application/json", 400, "Cannot parse JSON body"),
        ("a: [", "text/yaml", 400, "declarative config is invalid: line 2"),
        (b"\xff", "text/yaml", 400, "not UTF-8"),
        ("- a", "text/yaml", 400, "expected a map"),
        ('_format_version: "9"', "text/yaml", 400, '"9" is not known'),
        ("bananas: []", "text/yaml", 400, "bananas"),
        ("a: &a\n  b: *a\n", "text/yaml", 400, "contains itself"),
        (
            LAUGHS,
            "text/yaml",
            400,
            "more than",
        ),
    ],
)
async def test_what_is_no_configuration_is_refused_in_words(
    tmp_path: Path, data: Any, media: str, status: int, text: str
) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        reply = await send(place, data, media)
        assert reply.status == status, reply
        assert text in reply.body["message"], reply.body


async def test_without_a_token_a_page_cannot_send_one(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for media in ("text/plain", "application/x-www-form-urlencoded"):
            assert (await send(place, CONFIG, media)).status == 415
        assert (await send(place, CONFIG, "application/yaml")).status == 201


async def test_it_needs_the_role_and_the_owner(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        tokens = {}
        for name, body in (
            ("writer", {"roles": ["write"]}),
            ("a", {"roles": ["publish"], "owners": ["team-a"]}),
        ):
            made = await place.ask("POST", "/tokens", {"name": name, **body})
            tokens[name] = {"Kong-Admin-Token": made.body["token"]}
        place.headers = tokens["writer"]
        assert (await send(place, CONFIG, "text/yaml")).status == 403
        place.headers = tokens["a"]
        assert (await send(place, CONFIG, "text/yaml", "?owner=team-b")).status == 403
        assert (await send(place, CONFIG, "text/yaml")).status == 201
        assert (await place.ask("GET", "/owners")).body["data"] == [{"name": "team-a"}]


async def test_it_is_shown_as_it_would_be_sent(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        empty = await place.ask("GET", "/config")
        assert (empty.status, empty.body) == (200, {"config": "_format_version: '3.0'\n"})
        assert (await send(place, CONFIG, "text/yaml", "?owner=team-a")).status == 201
        await make(place, "/services", name="other", host="a.test")
        shown = (await place.ask("GET", "/config?owner=team-a")).body["config"]
        assert "planted-api-key" in shown
        assert "other" not in shown
        again = await send(place, shown, "text/yaml", "?owner=team-a&check_hash=1")
        assert again.status == 304
        # In the form in which it is shown, too.
        whole = json.dumps({"config": shown})
        again = await send(place, whole, "application/json", "?owner=team-a&check_hash=1")
        assert again.status == 304


async def test_plugins_are_linked_to_partials_as_kong_exports_them(tmp_path: Path) -> None:
    link = {"plugin": "limits", "partial": "counters", "path": "config.redis"}
    config = {
        "_format_version": "3.0",
        "partials": [{"name": "counters", "type": "redis-ce", "config": {"host": "r.test"}}],
        "plugins": [
            {"name": "rate-limiting", "instance_name": "limits", "config": {"minute": 1}},
        ],
        "plugins_partials": [link],
    }
    async with running(tmp_path, admin_token=TOKEN) as place:
        place.headers = ADMIN
        assert (await place.ask("POST", "/config", json=config)).status == 201
        (partial,) = (await place.ask("GET", "/partials")).body["data"]
        (plugin,) = (await place.ask("GET", "/plugins")).body["data"]
        assert plugin["partials"][0]["id"] == partial["id"]
        config["plugins_partials"] = [{**link, "plugin": "limit"}]
        reply = await place.ask("POST", "/config?flatten_errors=1", json=config)
        assert reply.status == 400
        (problem,) = reply.body["fields"]["plugins_partials"]["0"].values()
        assert 'did you mean "limits"?' in problem
