# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control_plane.admin.forms import URLENCODED, infer, read_form
from gateway.entities import ENTITIES
from gateway.entities.validation import shape_for
from gateway.errors import RequestRejected
from tests.support.control_plane import Place, Reply, make, running

TOKEN = {"Kong-Admin-Token": "planted-admin-token"}
FORM = {"Content-Type": URLENCODED, **TOKEN}


async def _send(place: Place, method: str, path: str, form: str) -> Reply:
    return await place.ask(method, path, data=form, headers=FORM)


@pytest.mark.parametrize(
    ("form", "entity"),
    [
        ("a=1&b=", {"a": "1", "b": ""}),
        ("a=1&a=2", {"a": ["1", "2"]}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[2]=2&a[1]=1", {"a": ["1", "2"]}),
        ("a.b.c=1&a.b.d=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("a.b[]=1&a.b[]=2", {"a": {"b": ["1", "2"]}}),
        ("a[1].b=1&a[1].c=2&a[2].b=3", {"a": [{"b": "1", "c": "2"}, {"b": "3"}]}),
        ("a%5B%5D=x%20y&%C3%BC=%C3%BC", {"a": ["x y"], "ü": "ü"}),
        ("", {}),
    ],
)
def test_names_of_fields_lead_into_records_and_lists(form: str, entity: dict[str, Any]) -> None:
    assert read_form(form.encode(), URLENCODED) == entity


def test_texts_stand_for_what_the_schema_says() -> None:
    form = read_form(
        b"name=rate-limiting&enabled=false&config.minute=5&config.redis.timeout=7&tags=a"
        b"&protocols[]=http&config.path=&service.id=x&config.sync_rate=0.5&config.hour=many",
        URLENCODED,
    )
    shape = shape_for(ENTITIES["plugins"], form)
    assert infer(form, shape) == {
        "name": "rate-limiting",
        "enabled": False,
        "config": {
            "minute": 5,
            "redis": {"timeout": 7},
            "path": None,
            "sync_rate": 0.5,
            "hour": "many",
        },
        "tags": ["a"],
        "protocols": ["http"],
        "service": {"id": "x"},
    }


@given(st.binary(max_size=300))
def test_any_bytes_are_a_form_or_refused(content: bytes) -> None:
    for kind in (URLENCODED, "multipart/form-data; boundary=x"):
        try:
            form = read_form(content, kind)
        except RequestRejected as error:
            assert error.status == 400
        else:
            infer(form, shape_for(ENTITIES["routes"], form))


@given(st.dictionaries(st.text("abc", min_size=1), st.text()))
def test_plain_fields_come_back_as_they_were(fields: dict[str, str]) -> None:
    try:
        encoded = urlencode(fields).encode()
    except UnicodeEncodeError:
        return
    assert read_form(encoded, URLENCODED) == fields


async def test_entities_are_made_changed_and_replaced_by_forms(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN["Kong-Admin-Token"]) as place:
        made = await _send(place, "POST", "/services", "name=a&url=http://a.test/x&retries=2")
        assert (made.status, made.body["retries"], made.body["path"]) == (201, 2, "/x")
        form = "name=r&paths[]=/r&paths[]=/s&methods=GET&strip_path=false&headers.x-a[]=1"
        route = await _send(place, "POST", "/services/a/routes", form)
        assert route.status == 201, route
        wanted = {"paths": ["/r", "/s"], "methods": ["GET"], "strip_path": False}
        assert {name: route.body[name] for name in wanted} == wanted
        assert route.body["headers"] == {"x-a": ["1"]}
        form = "name=rate-limiting&config.minute=5&config.policy=local"
        plugin = await _send(place, "POST", "/routes/r/plugins", form)
        assert (plugin.status, plugin.body["config"]["minute"]) == (201, 5)
        path = f"/plugins/{plugin.body['id']}"
        changed = await _send(place, "PATCH", path, "config.minute=6&enabled=false")
        assert (changed.body["config"]["minute"], changed.body["enabled"]) == (6, False)
        changed = await _send(place, "PATCH", "/routes/r", "methods=")
        assert changed.body["methods"] is None
        replaced = await _send(place, "PUT", "/services/a", "host=b.test")
        assert (replaced.body["host"], replaced.body["retries"]) == ("b.test", 5)
        wrong = await _send(place, "PATCH", "/services/a", "port=many&bogus=1")
        assert wrong.body["fields"] == {"port": "expected an integer", "bogus": "unknown field"}
        checked = await _send(place, "POST", "/schemas/services/validate", "host=a&port=80")
        assert checked.status == 200, checked


async def test_forms_of_parts_are_taken_too(tmp_path: Path) -> None:
    async with running(tmp_path, admin_token=TOKEN["Kong-Admin-Token"]) as place:
        form = aiohttp.FormData()
        form.add_field("username", "ann", content_type="text/plain")
        form.add_field("tags[]", "a")
        form.add_field("tags[]", "b")
        made = await place.ask("POST", "/consumers", data=form(), headers=TOKEN)
        assert made.status == 201, made
        assert (made.body["username"], made.body["tags"]) == ("ann", ["a", "b"])


async def test_without_the_token_a_form_may_be_a_pages(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        reply = await _send(place, "POST", "/services", "name=a&host=a.test")
        assert reply.status == 415
        assert "admin token" in reply.body["message"]
        await make(place, "/services", name="a", host="a.test")
    async with running(tmp_path, admin_token=TOKEN["Kong-Admin-Token"]) as place:
        place.headers = {"Kong-Admin-Token": "wrong"}
        reply = await place.ask(
            "POST", "/services", data="name=b", headers={"Content-Type": URLENCODED}
        )
        assert reply.status == 401
        reply = await place.ask("POST", "/releases", data="owner=b", headers=FORM)
        assert reply.status == 415, "what is no entity is JSON"


async def test_every_path_says_which_methods_it_has(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for path, methods in (
            ("/", "GET, HEAD, OPTIONS"),
            ("/routes", "GET, HEAD, OPTIONS, POST"),
            ("/routes/test", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
            ("/consumer_groups/x/consumers", "DELETE, GET, HEAD, OPTIONS, POST"),
        ):
            reply = await place.ask("OPTIONS", path)
            assert (reply.status, reply.headers["Allow"]) == (204, methods)
            wrong = await place.ask("TRACK", path)
            assert (wrong.status, wrong.headers["Allow"]) == (405, methods)
            assert wrong.body == {"message": "Method not allowed"}
        assert (await place.ask("OPTIONS", "/no/such/path")).status == 404


@pytest.mark.parametrize("field", ["a[]=x", "a=x", "a[].b=x"])
def test_thousands_of_one_field_take_no_longer_than_they_have_to(field: str) -> None:
    started = time.process_time()
    found = read_form("&".join([field] * 10_000).encode(), URLENCODED)
    assert len(found["a"]) == 10_000
    assert time.process_time() - started < 1


def test_a_form_with_too_many_fields_is_told_so() -> None:
    with pytest.raises(RequestRejected, match="more than 10000 fields"):
        read_form("&".join(f"a{at}=x" for at in range(10_001)).encode(), URLENCODED)
