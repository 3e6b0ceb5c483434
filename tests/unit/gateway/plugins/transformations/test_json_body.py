# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.plugins.transformations import json_body
from gateway.plugins.transformations.json_body import JsonPair
from gateway.plugins.transformations.json_objects import JsonObject, path_of


def pair(name: str, value: str, kind: str | None = None) -> JsonPair:
    return JsonPair(path_of(name, nested=False), value.encode, kind)


def after(text: bytes, change: Callable[..., None], *arguments: Any) -> bytes:
    body = JsonObject(text)
    change(body, *arguments)
    return body.encode()


@pytest.mark.parametrize(
    ("text", "change", "pairs", "expected"),
    [
        (b'{"p":"v2"}', json_body.append, [pair("p", "v1")], b'{"p":["v2","v1"]}'),
        (b'{"flag":false}', json_body.add, [pair("flag", "x")], b'{"flag":"x"}'),
        (b'{"flag":null}', json_body.add, [pair("flag", "x")], b'{"flag":"x"}'),
        (b'{"flag":0}', json_body.add, [pair("flag", "x")], b'{"flag":0}'),
        (b'{"a":1}', json_body.replace, [pair("a", "2")], b'{"a":"2"}'),
        (b'{"a":false}', json_body.replace, [pair("a", "2")], b'{"a":false}'),
        (b'{"b":1}', json_body.replace, [pair("a", "2")], b'{"b":1}'),
        (b"{}", json_body.add, [pair("a", "2", "number")], b'{"a":2}'),
        (b"{}", json_body.add, [pair("a", "x", "number")], b"{}"),
        (b'{"a":1,"b":2}', json_body.remove, [("a",), ("c",)], b'{"b":2}'),
        (b'{"a":1,"b":2}', json_body.rename, [(("a",), ("b",))], b'{"b":1}'),
        (b'{"a":[]}', json_body.rename, [(("a",), ("b",))], b'{"b":[]}'),
        (b'{"b":2}', json_body.rename, [(("a",), ("b",))], b'{"b":2}'),
        (b'{"a":2}', json_body.rename, [(("a",), ("a",))], b'{"a":2}'),
        # A name that is given twice is changed twice, in order.
        (b'{"a":1}', json_body.rename, [(("a",), ("b",)), (("a",), ("c",))], b'{"b":1}'),
        (b'{"a":1}', json_body.replace, [pair("a", "2"), pair("a", "3")], b'{"a":"3"}'),
        (b"{}", json_body.add, [pair("a", "1"), pair("a", "2")], b'{"a":"1"}'),
        (b"{}", json_body.append, [pair("a", "1"), pair("a", "2")], b'{"a":["1","2"]}'),
        (b'{"a":1,"b":2}', json_body.allow, ["b", "c"], b'{"b":2}'),
    ],
)
def test_changes(text: bytes, change: Callable[..., None], pairs: Any, expected: bytes) -> None:
    assert after(text, change, pairs) == expected
