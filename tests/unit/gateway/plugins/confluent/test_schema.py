# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation


def _row(**config: Any) -> dict[str, Any]:
    row = validate_row("plugins", {"name": "confluent", "config": {"topic": "t", **config}})
    found: dict[str, Any] = row["config"]
    return found


def test_an_api_key_may_be_a_vault_reference_and_is_not_required() -> None:
    assert _row()["cluster_api_key"] is None
    reference = "{vault://env/KAFKA_API_KEY}"
    assert _row(cluster_api_key=reference)["cluster_api_key"] == reference


def test_producer_settings_are_off_by_default() -> None:
    assert _row()["producer_config_enabled"] is False


def test_kafka_upstreams_own_blocks_are_unknown_here() -> None:
    with pytest.raises(SchemaViolation) as caught:
        _row(authentication={"strategy": "sasl"}, security={"ssl": True})
    unknown = "unknown field"
    expected = {"authentication": unknown, "security": {"ssl": unknown}}
    assert caught.value.fields == {"config": expected}
