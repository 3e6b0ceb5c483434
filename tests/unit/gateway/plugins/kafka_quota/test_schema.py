# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.entities.problems import problems_of
from gateway.plugins.kafka_quota.schema import Config


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({}, "at least one of these fields must be non-empty: 'config.records', 'config.bytes'"),
        ({"records": {}}, "at least one of these fields must be non-empty: 'second'"),
        ({"records": {"minute": 1}, "limit_by": "header"}, "header_name: required field missing"),
        ({"records": {"minute": 1}, "policy": "redis"}, "redis.host: required field missing"),
        ({"bytes": {"minute": 5, "hour": 4}}, "the limit for hour(4.0) cannot be lower than"),
    ],
)
def test_what_cannot_be_meant_is_refused(config: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate(config)
    texts = [found.sentence("config") for found in problems_of(caught.value, Config)]
    assert problem in "\n".join(texts)


def test_limits_stand_by_what_they_count() -> None:
    found = Config.model_validate({"records": {"hour": 2, "minute": 1}, "bytes": {"day": 9}})
    assert found.limits() == {"records": {"minute": 1, "hour": 2}, "bytes": {"day": 9}}
