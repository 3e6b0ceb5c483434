# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.plugins.logging.paths import CustomField
from gateway.plugins.lua.log_fields import add_log_field
from tests.support.logging import responded, until
from tests.support.policies import policy_gateway

_ACCESS = """
kong.log.set_serialize_value("early", kong.request.get_header("x"))
kong.log.set_serialize_value("request.method", "other", {mode = "add"})
"""
_LOG = """
kong.log.set_serialize_value("late.table", {1, {a = true}})
kong.log.set_serialize_value("service", nil)
kong.log.set_serialize_value("request.id", "hidden", {mode = "replace"})
kong.log.set_serialize_value("nothing.here", 1, {mode = "replace"})
pcall(kong.log.set_serialize_value, "function", print)
pcall(kong.log.set_serialize_value, "null", ngx.null)
"""


async def test_lua_of_any_phase_adds_to_the_entries_of_all_plugins(tmp_path: Path) -> None:
    paths = [tmp_path / "log"]
    plugins: list[tuple[str, dict[str, Any]]] = [
        ("file-log", {"path": str(paths[0]), "custom_fields_by_lua": {"own": "return 1"}}),
        ("pre-function", {"access": [_ACCESS], "log": [_LOG]}),
    ]
    async with policy_gateway(*plugins) as gateway:
        await gateway.ask("/", "X: y")
        data = await until(lambda: paths[0].exists() and paths[0].read_bytes())
    entry = orjson.loads(data)
    assert (entry["early"], entry["own"], entry["late"]) == ("y", 1, {"table": [1, {"a": True}]})
    assert (entry["request"]["method"], entry["request"]["id"]) == ("GET", "hidden")
    assert not {"service", "nothing"} & entry.keys()


def test_what_is_wrong_is_an_error_and_fields_are_bounded() -> None:
    request = responded()
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    values: list[Any] = [deep, object(), {"x": [object()]}]
    for wrong in ((1, 2), (b"a..b", 1), (b"a", 1, {"mode": "other"}), *((b"a", v) for v in values)):
        with pytest.raises(ValueError, match=r"key|path|mode|levels"):
            add_log_field(request, *wrong)
    for _ in range(100):
        add_log_field(request, b"a", b"\xff")
    assert request.log_fields[0] == CustomField(("a",), "\ufffd")
    with pytest.raises(ValueError, match="at most"):
        add_log_field(request, b"a", 1)
