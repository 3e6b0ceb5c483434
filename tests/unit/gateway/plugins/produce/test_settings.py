# SPDX-License-Identifier: Apache-2.0
"""What ``kafka-upstream`` and ``confluent`` are refused alike."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation


@pytest.mark.parametrize("name", ["kafka-upstream", "confluent"])
@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"forward_body": False}, "at least one of these fields must be true"),
        ({"message_by_lua_functions": ["return 1"]}, "function 1: must return a function"),
        ({"max_record_size": 1}, "max_record_size"),
        ({"producer_request_acks": 2}, "producer_request_acks"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(
    name: str, config: dict[str, Any], problem: str
) -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("plugins", {"name": name, "config": {"topic": "t", **config}})
    assert problem in str(caught.value.fields)
