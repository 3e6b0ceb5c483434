# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation

GROUP = str(uuid4())


def test_a_group_has_a_name_of_its_own() -> None:
    row = validate_row("consumer_groups", {"name": "gold", "tags": ["a"]})
    assert (row["name"], row["tags"]) == ("gold", ["a"])
    with pytest.raises(SchemaViolation):
        validate_row("consumer_groups", {})


def test_a_membership_is_of_a_group_and_a_consumer() -> None:
    pair = {"consumer_group": {"id": GROUP}, "consumer": {"id": GROUP}}
    row = validate_row("consumer_group_consumers", pair)
    assert row["consumer_group"] == row["consumer"] == GROUP


@pytest.mark.parametrize(
    ("name", "config", "fits"),
    [("rate-limiting", {"minute": 1}, True), ("key-auth", {}, False)],
)
def test_only_some_plugins_can_be_limited_to_a_group(
    name: str, config: dict[str, Any], fits: bool
) -> None:
    row = {"name": name, "config": config, "consumer_group": {"id": GROUP}}
    if fits:
        assert validate_row("plugins", row)["consumer_group"] == GROUP
    else:
        with pytest.raises(SchemaViolation) as caught:
            validate_row("plugins", row)
        assert caught.value.fields == {"consumer_group": "value must be null"}
        assert "cannot be limited to a consumer group" in caught.value.problems[0]
