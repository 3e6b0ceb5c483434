# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import SchemaViolation
from tests.support.policies import checked

NAME = "response-transformer"


def test_the_defaults_are_kongs() -> None:
    values: dict[str, Any] = {"json": [], "json_types": [], "headers": []}
    assert checked(NAME) == {
        "remove": {"json": [], "headers": []},
        "rename": {"json": [], "headers": []},
        "replace": values,
        "add": values,
        "append": values,
    }


@pytest.mark.parametrize("part", ["replace", "add", "append", "rename"])
@pytest.mark.parametrize("field", ["json", "headers"])
def test_what_gets_a_value_needs_one(part: str, field: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(NAME, **{part: {field: ["p1"]}})
    assert caught.value.fields == {"config": {part: {field: {"1": "key 'p1' has no value"}}}}


def test_names_of_headers_are_checked() -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(NAME, add={"headers": ["a b:1"]})
    assert caught.value.fields["config"]["add"]["headers"]["1"] == "'a b' is not a valid header"


def test_types_are_checked() -> None:
    with pytest.raises(SchemaViolation):
        checked(NAME, add={"json": ["a:1"], "json_types": ["integer"]})
