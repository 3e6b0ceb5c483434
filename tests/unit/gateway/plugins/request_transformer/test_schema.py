# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import SchemaViolation
from tests.support.policies import checked

NAME = "request-transformer"


def test_the_defaults_are_kongs() -> None:
    empty: dict[str, Any] = {"body": [], "headers": [], "querystring": []}
    assert checked(NAME) == {
        "http_method": None,
        "remove": empty,
        "rename": empty,
        "replace": {**empty, "uri": None},
        "add": empty,
        "append": empty,
    }
    assert checked(NAME, add=None, remove={"body": None})["remove"] == empty


@pytest.mark.parametrize("part", ["replace", "add", "append", "rename"])
@pytest.mark.parametrize("entry", ["x", "x:"])
def test_what_gets_a_value_needs_one(part: str, entry: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(NAME, **{part: {"body": [entry]}})
    assert caught.value.fields == {"config": {part: {"body": {"1": "key 'x' has no value"}}}}


@pytest.mark.parametrize("part", ["remove", "replace", "add", "append", "rename"])
def test_names_of_headers_are_checked(part: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(NAME, **{part: {"headers": ["a b:c"]}})
    fields = caught.value.fields["config"][part]["headers"]
    assert fields == {"1": "'a b' is not a valid header"}


def test_the_new_name_of_a_header_is_checked_too() -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(NAME, rename={"headers": ["a:b c"]})
    assert caught.value.fields["config"]["rename"]["headers"]["1"].startswith("'b c' is not")


def test_a_removed_entry_may_have_a_value() -> None:
    assert checked(NAME, remove={"headers": ["x-a:b"]})["remove"]["headers"] == ["x-a:b"]


@pytest.mark.parametrize(
    "config",
    [{"add": {"headers": ["a:$(if)"]}}, {"replace": {"uri": "/$(+)"}}],
)
def test_a_template_that_is_no_lua_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(NAME, **config)
    assert "invalid template" in str(caught.value.fields)


@pytest.mark.parametrize("method", ["get", "GET X", "", "G\r\n"])
def test_a_method_is_upper_case_letters(method: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(NAME, http_method=method)
    wanted = "invalid value" if method else "length must be at least 1"
    assert wanted in caught.value.fields["config"]["http_method"]
