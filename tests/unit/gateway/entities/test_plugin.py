# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation


def test_a_plugin_that_says_no_protocols_has_those_of_its_kind() -> None:
    row = validate_row("plugins", {"name": "kafka-upstream", "config": {"topic": "t"}})
    assert row["protocols"] == ["grpc", "grpcs", "http", "https"]
    assert (row["enabled"], row["route"], row["config"]["topic"]) == (True, None, "t")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"protocols": []}, "protocols"),
        ({"instance_name": "a b"}, "instance_name"),
    ],
)
def test_a_plugin_that_makes_no_sense_is_refused(more: dict[str, object], field: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("plugins", {"name": "kafka-upstream", "config": {"topic": "t"}, **more})
    assert field in caught.value.fields
