# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.plugins.limiting.usage_limits import UsageLimits


def test_limits_come_by_period_the_shortest_first_and_null_is_none() -> None:
    given = {"day": 9, "second": None, "minute": 1.5}
    assert list(UsageLimits.model_validate(given).limits().items()) == [("minute", 1.5), ("day", 9)]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "at least one of these fields must be non-empty: 'second'"),
        ({"second": None}, "at least one of these fields must be non-empty"),
        ({"minute": 10, "hour": 5}, r"the limit for hour\(5.0\) cannot be lower"),
        ({"minute": 0}, "value must be greater than 0"),
        ({"week": 1}, "week"),
    ],
)
def test_what_is_no_limit_is_refused(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        UsageLimits.model_validate(given)
