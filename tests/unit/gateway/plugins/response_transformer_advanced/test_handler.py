# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.errors import ReleaseRefused
from tests.support.policies import policy_gateway
from tests.support.upstream import answering, ok

NAME = "response-transformer-advanced"
JSON = b"Content-Type: application/json"
BODY = b'{"items":[{"a":1,"b":2},{"a":3}],"other":{"a":4},"n":1.50}'


async def changed(config: dict[str, Any], raw: bytes = ok(BODY, JSON)) -> Any:
    async with policy_gateway((NAME, config), script=answering(raw)) as gateway:
        return await gateway.ask()


async def test_names_are_paths() -> None:
    config = {
        "dots_in_keys": False,
        "remove": {"json": ["items[*].a"]},
        "replace": {"json": ["other.a:9"], "json_types": ["number"]},
        "add": {"json": ["new.deep:true"], "json_types": ["boolean"]},
    }
    response = await changed(config)
    expected = {"items": [{"b": 2}, {}], "other": {"a": 9}, "n": 1.5, "new": {"deep": True}}
    assert orjson.loads(response.body) == expected
    assert b'"n":1.50' in response.body


async def test_only_what_is_allowed_stays() -> None:
    response = await changed({"allow": {"json": ["n"]}})
    assert response.body == b'{"n":1.50}'


@pytest.mark.parametrize(("statuses", "done"), [(["200"], True), (["500-599"], False)])
async def test_statuses_limit_changes(statuses: list[str], done: bool) -> None:
    config = {"remove": {"json": ["items", "other"], "headers": ["X-A"], "if_status": statuses}}
    response = await changed(config, ok(BODY, JSON, b"X-A: 1"))
    assert (b"items" not in response.body) is done
    assert ("x-a" not in response.headers) is done


@pytest.mark.parametrize("lines", [(), (b"Content-Encoding: br",)])
async def test_a_whole_body_is_replaced_whatever_it_was(lines: tuple[bytes, ...]) -> None:
    raw = ok(b"<html>secret</html>", b"Content-Type: text/html", *lines).replace(
        b"200 OK", b"500 Oh"
    )
    config = {"replace": {"body": '{"message":"sorry"}', "if_status": ["500"]}}
    response = await changed(config, raw)
    assert response.status == 500
    assert response.body == b'{"message":"sorry"}'
    assert response.headers["content-length"] == "19"
    assert "content-encoding" not in response.headers


async def test_functions_change_the_value() -> None:
    function = "return function(data) data.items = nil; data.by = 'lua'; return data end"
    response = await changed({"transform": {"functions": [function]}})
    assert orjson.loads(response.body) == {"other": {"a": 4}, "n": 1.5, "by": "lua"}


async def test_functions_change_named_fields() -> None:
    function = "return function(v) return type(v) == 'table' and 'gone' or v end"
    response = await changed({"transform": {"functions": [function], "json": ["items", "none"]}})
    assert orjson.loads(response.body) == {"items": "gone", "other": {"a": 4}, "n": 1.5}


async def test_a_function_that_fails_is_a_500() -> None:
    for body in ("error('x')", "while true do end"):
        function = f"return function(data) {body} end"
        response = await changed({"transform": {"functions": [function]}})
        assert response.status == 500
        assert b"items" not in response.body


async def test_functions_are_refused_where_lua_is_off() -> None:
    config = {"transform": {"functions": ["return function(d) return d end"]}}
    with pytest.raises(ReleaseRefused, match="Lua is switched off"):
        async with policy_gateway((NAME, config), lua_allowed=False):
            pass
