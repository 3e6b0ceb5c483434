# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.entities.problems import problems_of
from gateway.plugins.rate_limiting_advanced.schema import Config

ONE: dict[str, Any] = {"limit": [1], "window_size": [60]}


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"limit": [1, 2]}, "You must provide the same number of windows and limits"),
        ({"limit": []}, "config.limit: length must be at least 1"),
        ({"limit": [0]}, "config.limit[0]: value must be greater than 0"),
        ({"window_size": [-1]}, "config.window_size[0]: value must be greater than 0"),
        ({"strategy": "cluster"}, "config.strategy: strategy cluster cannot be served"),
        ({"sync_rate": 0.01, "strategy": "redis"}, "must not be a decimal between 0 and 0.02"),
        ({"sync_rate": 1}, "sync_rate cannot be configured when using a local strategy"),
        ({"identifier": "header"}, "No header name provided"),
        ({"compound_identifier": ["ip", "path"]}, "No path provided"),
        ({"enforce_consumer_groups": True}, "limit a plugin to the consumer group instead"),
        ({"retry_after_jitter_max": -1}, "Non-negative retry_after_jitter_max value is expected"),
        ({"identifier": "tenant"}, "config.identifier: expected one of"),
    ],
)
def test_what_cannot_be_meant_is_refused(more: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({**ONE, **more})
    texts = [found.sentence("config") for found in problems_of(caught.value, Config)]
    assert problem in "\n".join(texts)


def test_windows_and_limits_are_sorted_together() -> None:
    found = Config.model_validate({"limit": [100, 5], "window_size": [60, 1]})
    assert found.windows() == [(1, 5), (60, 100)]


@pytest.mark.parametrize(
    ("more", "rate"),
    [
        ({}, None),
        ({"sync_rate": -1}, None),
        ({"strategy": "redis"}, 0),
        ({"strategy": "redis", "sync_rate": -1}, None),
        ({"strategy": "redis", "sync_rate": 0.5}, 0.5),
    ],
)
def test_the_rate_of_exchanges_has_a_default(more: dict[str, Any], rate: float | None) -> None:
    assert Config.model_validate({**ONE, **more}).exchanges() == rate


def test_a_filled_configuration_is_accepted_again() -> None:
    found = Config.model_validate({**ONE, "throttling": {"enabled": True}}).model_dump()
    assert Config.model_validate(found).model_dump() == found
    assert found["throttling"]["retry_times"] == 3
    assert found["dictionary_name"] == "kong_rate_limiting_counters"
