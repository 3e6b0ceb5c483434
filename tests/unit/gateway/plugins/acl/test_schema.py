# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({}, "at least one of these fields must be non-empty"),
        ({"allow": []}, "at least one of these fields must be non-empty"),
        ({"allow": ["a"], "deny": ["b"]}, "exactly one of these fields must be non-empty"),
        ({"whitelist": ["a"]}, "unknown field"),
    ],
)
def test_one_of_both_lists_is_given(config: dict[str, Any], text: str) -> None:
    with pytest.raises(SchemaViolation, match=text):
        validate_row("plugins", {"name": "acl", "config": config})


def test_an_empty_list_is_as_good_as_none() -> None:
    row = validate_row("plugins", {"name": "acl", "config": {"allow": ["a"], "deny": []}})
    assert row["config"]["allow"] == ["a"]
    assert row["config"]["hide_groups_header"] is False
