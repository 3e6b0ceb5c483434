# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.entities import validate_row
from gateway.entities.redis_settings import RedisSettings
from gateway.errors import SchemaViolation
from gateway.settings.compatibility import version_of


def row(**config: Any) -> dict[str, Any]:
    return dict(validate_row("plugins", {"name": "basic-auth", "config": config}))


def test_the_defaults_are_kongs() -> None:
    assert row()["config"] == {
        "hide_credentials": False,
        "anonymous": None,
        "realm": "service",
        "brute_force_protection": {"strategy": "off", "redis": RedisSettings().model_dump()},
        "principals": None,
    }
    with version_of("3.14"):
        assert row()["config"]["hide_credentials"] is True


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"brute_force_protection": {"strategy": "redis"}}, "required field missing"),
        ({"brute_force_protection": {"strategy": "cluster"}}, "use memory or redis"),
        ({"principals": {"enabled": True}}, "Kong Identity cannot be asked"),
        ({"realm": 7}, "expected a string"),
    ],
)
def test_what_cannot_be_done_is_refused(config: dict[str, Any], text: str) -> None:
    with pytest.raises(SchemaViolation, match=text):
        row(**config)
    with pytest.raises(SchemaViolation):
        validate_row(
            "plugins", {"name": "basic-auth", "config": {}, "consumer": {"id": row()["id"]}}
        )
