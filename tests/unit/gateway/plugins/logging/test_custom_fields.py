# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.http.messages import Request
from gateway.plugins.logging.custom_fields import CustomFields
from gateway.plugins.logging.serializer import log_entry
from gateway.plugins.lua import SHARED
from tests.support.logging import ok, responded


def entry_with(chunks: dict[str, str], request: Request | None = None) -> Any:
    request = request or responded(b"/", (b"h1", b"v"))
    fields = CustomFields(chunks, "file-log")
    fields.compute(request, ok())
    entry = log_entry(request, ok(), plain=True)
    fields.put_into(entry, request)
    return orjson.loads(orjson.dumps(entry))


def test_a_chunks_result_becomes_a_field() -> None:
    found = entry_with(
        {
            "new.key": "return 1",
            "header": 'return kong.request.get_header("h1")',
            "table": 'return {a = {true, "x"}, b = 1.5}',
            "foo[1].bar[2].woo": "return 456",
            r"my\.new.value": "return kong.response.get_status()",
            "service.name": "return 'other'",
        }
    )
    assert found["new"] == {"key": 1}
    assert found["header"] == "v"
    assert found["table"] == {"a": [True, "x"], "b": 1.5}
    assert found["foo"] == [{"bar": [None, {"woo": 456}]}]
    assert found["my.new"] == {"value": 200}
    assert found["service"]["name"] == "other"


def test_nil_removes_a_field() -> None:
    found = entry_with({"route": "return nil", "request.headers.h1": "return nil"})
    assert "route" not in found
    assert found["request"]["headers"] == {}


def test_what_fails_is_left_out_and_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    chunks = {
        "broken": "error('no')",
        "function": "return function() end",
        "endless": "while true do end",
        "deep.er": "local a = {} a.a = a return a",
        "request.method.x": "return 1",
        "good": "return 1",
    }
    request = responded()
    fields = CustomFields(chunks, "file-log")
    for _ in range(2):
        request.log_fields = ()
        fields.compute(request, ok())
        entry = log_entry(request, ok(), plain=True)
        fields.put_into(entry, request)
    assert entry["good"] == 1
    assert not {"broken", "function", "endless", "deep"} & entry.keys()
    assert len([one for one in caplog.records if one.message == "custom field left out"]) == 5


@pytest.mark.parametrize("levels", [1, 100, 150, 151, 250, 300, 1200])
def test_a_field_of_any_depth_takes_no_entry_along(levels: int) -> None:
    path = ".".join(["f"] * 100)
    deep = f"local t = {{}} for _ = 2, {levels} do t = {{t}} end return t"
    entry = entry_with({path: deep, "good": "return 1"})
    assert entry["good"] == 1
    assert ("f" in entry) == (levels <= 150)


def test_fields_into_fields_are_no_deeper() -> None:
    deep = "local t = {} for _ = 2, 150 do t = {t = t} end return t"
    entry = entry_with({"t": deep, ".".join(["t"] * 99) + ".x": deep, "good": "return 1"})
    assert entry["good"] == 1


def test_lua_sees_what_plugins_share_and_no_other_request() -> None:
    request = responded()
    request.context = {SHARED: {"who": "me"}}
    chunks = {"who": "return kong.ctx.shared.who", "left": "local l = leaked leaked = 1 return l"}
    assert entry_with(chunks, request)["who"] == "me"
    assert "who" not in entry_with(chunks)


def test_fields_of_a_plugin_are_in_the_entries_of_those_after_it() -> None:
    request = responded()
    entry_with({"a": "return 1"}, request)
    found = entry_with({"b": "return 2"}, request)
    assert (found["a"], found["b"]) == (1, 2)
