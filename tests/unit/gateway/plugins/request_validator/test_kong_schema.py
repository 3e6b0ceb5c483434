# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.plugins.request_validator.kong_schema import compile_fields
from gateway.plugins.request_validator.validators import lua_match

MATCH = lua_match()


def problem(rules: dict[str, Any], value: Any) -> str:
    return compile_fields([{"f": rules}], MATCH)({"f": value})


@pytest.mark.parametrize(
    ("rules", "good", "bad"),
    [
        ({"type": "string"}, ["", "x"], [1, True, [], {}]),
        ({"type": "number"}, [1, 1.5], ["1", True]),
        ({"type": "integer"}, [1, 1.0], [1.5, "1", False]),
        ({"type": "boolean"}, [True], [0, "true"]),
        ({"type": "array", "elements": {"type": "integer"}}, [[], [1]], [["x"], {}, "x"]),
        (
            {"type": "map", "keys": {"type": "string"}, "values": {"type": "boolean"}},
            [{}, {"a": True}],
            [{"a": 1}, []],
        ),
        (
            {"type": "record", "fields": [{"a": {"type": "string", "required": True}}]},
            [{"a": "x"}],
            [{}, {"a": None}, {"a": 1}, {"a": "x", "b": 1}, []],
        ),
        ({"type": "integer", "between": [1, 10]}, [1, 10], [0, 11]),
        ({"type": "string", "len_eq": 2}, ["ab"], ["a"]),
        ({"type": "string", "len_min": 2}, ["ab"], ["a"]),
        ({"type": "array", "elements": {"type": "string"}, "len_max": 1}, [["a"]], [["a", "b"]]),
        ({"type": "string", "match": "^%a+$"}, ["abc"], ["a1", ""]),
        ({"type": "string", "not_match": "%d"}, ["abc"], ["a1"]),
        ({"type": "array", "elements": {"type": "string"}, "match_all": "^a"}, [["a"]], [["b"]]),
        ({"type": "array", "elements": {"type": "string"}, "match_any": "^a"}, [["b", "a"]], [[]]),
        ({"type": "array", "elements": {"type": "string"}, "match_none": "^a"}, [["b"]], [["a"]]),
        ({"type": "string", "starts_with": "/"}, ["/a"], ["a"]),
        ({"type": "string", "one_of": ["a", "b"]}, ["a"], ["c"]),
        ({"type": "integer", "timestamp": True}, [1], [0, -1]),
        ({"type": "string", "uuid": True}, ["0e2d8a6f-2f0a-4c9e-9a55-6f3f5d1b2c3d"], ["x"]),
        ({"type": "string", "format": "date", "required": False}, [None, "x"], []),
    ],
)
def test_rules(rules: dict[str, Any], good: list[Any], bad: list[Any]) -> None:
    assert [problem(rules, value) for value in good] == [""] * len(good)
    assert all(problem(rules, value) for value in bad)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        [1],
        [{"a": {"type": "string"}, "b": {"type": "string"}}],
        [{"a": {}}],
        [{"a": {"type": "array"}}],
        [{"a": {"type": "map", "keys": {"type": "string"}}}],
        [{"a": {"type": "string", "lenmin": 1}}],
        [{"a": {"type": "string", "match": "%"}}],
        [{"a": {"type": "integer", "between": [1]}}],
    ],
)
def test_what_is_no_schema_is_refused(schema: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        compile_fields(schema, MATCH)


def test_required_and_unknown_fields() -> None:
    check = compile_fields([{"a": {"type": "string", "required": True}}], MATCH)
    assert check({}) == "a: required field missing"
    assert check({"a": "x", "b": 1}) == "b: unknown field"
    assert check([]) == "expected a record"
