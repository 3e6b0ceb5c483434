# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.entities.problems import problems_of
from gateway.plugins.response_ratelimiting.schema import Config


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({}, "config.limits: required field missing"),
        ({"limits": {}}, "config.limits: length must be at least 1"),
        ({"limits": {"video": {}}}, "at least one of these fields must be non-empty: 'second'"),
        (
            {"limits": {"video": {"minute": 5, "hour": 4}}},
            "the limit for hour(4.0) cannot be lower than the limit for minute(5.0)",
        ),
        ({"limits": {"video": {"minute": 0}}}, "value must be greater than 0"),
        ({"limits": {"a b": {"minute": 1}}}, "must be usable in the name of a header"),
        ({"limits": {"a": {"minute": 1}}, "policy": "cluster"}, "policy cluster cannot be served"),
        ({"limits": {"a": {"minute": 1}}, "policy": "redis"}, "config.redis.host: required field"),
    ],
)
def test_what_cannot_be_meant_is_refused(config: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate(config)
    texts = [found.sentence("config") for found in problems_of(caught.value, Config)]
    assert problem in "\n".join(texts)


def test_null_is_no_limit() -> None:
    found = Config.model_validate({"limits": {"video": {"second": None, "minute": 5}}})
    assert found.limits["video"].limits() == {"minute": 5}
    assert Config.model_validate(found.model_dump()) == found
