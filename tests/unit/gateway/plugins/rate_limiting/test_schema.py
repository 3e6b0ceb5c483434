# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.entities.problems import problems_of
from gateway.plugins.rate_limiting import Config


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({}, "at least one of these fields must be non-empty: 'config.second'"),
        ({"minute": 5, "hour": 4}, r"limit for hour\(4\) cannot be lower than .* minute\(5\)"),
        ({"second": 9, "year": 1}, r"limit for year\(1\) cannot be lower than .* second\(9\)"),
        ({"minute": 0}, "minute"),
        ({"minute": 1, "policy": "redis"}, "local"),
        ({"minute": 1, "limit_by": "header"}, "required field missing"),
        ({"minute": 1, "limit_by": "path"}, "required field missing"),
    ],
)
def test_what_cannot_be_meant_is_refused(config: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config(**config)
    texts = [found.sentence("config") for found in problems_of(caught.value, Config)]
    assert re.search(problem, "\n".join(texts))


def test_settings_of_other_policies_are_accepted_beside_local() -> None:
    given = {"minute": 1, "redis": {"host": None, "port": 6379}, "sync_rate": -1}
    config = Config.model_validate(given)
    assert config.policy == "local"


def test_limits_are_ordered_by_their_periods() -> None:
    assert Config(hour=9, second=1).limits() == {"second": 1, "hour": 9}
