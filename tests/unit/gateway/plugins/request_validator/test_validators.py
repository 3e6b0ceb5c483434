# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.plugins.request_validator.validators import lua_match, schema_problem, validator

DRAFTS = ["draft4", "draft6", "draft7", "draft201909", "draft202012"]


@pytest.mark.parametrize("version", DRAFTS)
def test_each_draft_tells_what_is_wrong(version: str) -> None:
    check = validator('{"properties": {"a": {"type": "integer"}}, "required": ["a"]}', version)
    assert check({"a": 1}) == ""
    assert check({"a": "x"}) == '[a]: "x" is not of type "integer"'
    assert "required" in check({})


@pytest.mark.parametrize("version", DRAFTS)
def test_a_whole_number_is_an_integer_however_it_is_written(version: str) -> None:
    check = validator('{"properties": {"a": {"items": {"type": "integer"}}}}', version)
    assert check({"a": [1, 1.0, -0.0, 1e2]}) == ""
    assert check({"a": [1.5]}) == '[a][0]: 1.5 is not of type "integer"'


def test_formats_are_looked_at() -> None:
    check = validator('{"type": "string", "format": "date"}', "draft4")
    assert (check("2026-01-31"), bool(check("2026-02-31"))) == ("", True)


def test_lengths_count_items_of_lists_where_that_is_wanted() -> None:
    schema = '{"properties": {"l": {"type": "array", "minLength": 2}}}'
    assert validator(schema, "draft7")({"l": [1]}) == ""
    assert validator(schema, "draft7", lengths_of_lists=True)({"l": [1]}) != ""


def test_a_value_nested_too_deeply_is_a_problem_and_no_crash() -> None:
    value: list[object] = []
    for _ in range(400):
        value = [value]
    check = validator('{"type": "object"}', "draft7")
    assert check(value)


def test_what_a_schema_lacks() -> None:
    assert schema_problem("{}", "draft4") == ""
    assert schema_problem("{}", "draft4", needs_type=True) == "the schema must have a type"
    assert schema_problem("nope", "draft4").startswith("failed decoding schema")


def test_patterns_are_luas() -> None:
    match = lua_match()
    assert match("abc", "^%a+$")
    assert not match("ab1", "^%a+$")
    with pytest.raises(ValueError, match="malformed pattern"):
        match("a", "[")
