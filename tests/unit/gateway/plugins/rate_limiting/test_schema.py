# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.entities.problems import problems_of
from gateway.plugins.rate_limiting.schema import Config
from gateway.schema import plugin_schema


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({}, "at least one of these fields must be non-empty: 'config.second'"),
        ({"minute": 5, "hour": 4}, r"The limit for hour\(4.0\) cannot .* for minute\(5.0\)"),
        ({"second": 9, "year": 1}, r"The limit for year\(1.0\) cannot .* for second\(9.0\)"),
        # The first shorter period that is violated, not the neighbour.
        ({"second": 10, "minute": 12, "hour": 8}, r"for hour\(8.0\) cannot .* second\(10.0\)"),
        ({"minute": 0}, "minute: value must be greater than 0"),
        ({"minute": -0.5}, "minute: value must be greater than 0"),
        ({"minute": 1, "policy": "redis"}, "config.redis.host: required field missing"),
        ({"minute": 1, "policy": "cluster"}, "policy: policy cluster cannot be served.* local or"),
        ({"minute": 1, "sync_rate": 1}, "sync_rate can only be used with the redis policy"),
        ({"minute": 1, "sync_rate": 0}, "sync_rate can only be used with the redis policy"),
        (
            {"minute": 1, "policy": "redis", "redis": {"host": "h"}, "sync_rate": 0},
            "sync_rate must be greater than 0.02, or -1 to disable",
        ),
        (
            {"minute": 1, "policy": "redis", "redis": {"host": "h"}, "sync_rate": 0.01},
            "sync_rate must be greater than 0.02, or -1 to disable",
        ),
        ({"minute": 1, "limit_by": "path", "path": "a"}, "path: should start with: /"),
        ({"minute": 1, "limit_by": "path", "path": "/a//b"}, "must not have empty segments"),
        (
            {"minute": 1, "redis": {"cloud_authentication": {"auth_provider": "aws"}}},
            "auth_provider: cannot be served",
        ),
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


def test_limits_need_not_be_whole() -> None:
    assert Config(minute=1.5, hour=2.0).limits() == {"minute": 1.5, "hour": 2}


def test_flat_names_of_redis_are_taken_and_shown() -> None:
    given = {"minute": 1, "policy": "redis", "redis_host": "h", "redis_port": 7, "redis_ssl": True}
    found = Config.model_validate(given).model_dump()
    assert (found["redis"]["host"], found["redis"]["port"], found["redis"]["ssl"]) == ("h", 7, True)
    assert found["redis_timeout"] == found["redis"]["timeout"] == 2000
    assert found["redis_password"] is None
    assert Config.model_validate(found).model_dump() == found


def test_the_record_wins_over_a_flat_name_when_both_say_something() -> None:
    found = Config.model_validate({"minute": 1, "redis_host": "old", "redis": {"host": "new"}})
    assert found.redis.host == found.redis_host == "new"
    filled = {"host": None, "port": 6379, "timeout": 2000}
    found = Config.model_validate({"minute": 1, "redis_port": 7, "redis": filled})
    assert found.redis.port == found.redis_port == 7


def test_the_flat_names_stand_in_the_schema_where_deck_looks_for_them() -> None:
    config = plugin_schema("rate-limiting")["fields"][-1]["config"]
    names = {name for field in config["fields"] for name in field}
    former = {name: field for one in config["shorthand_fields"] for name, field in one.items()}
    assert "redis" in names
    assert not names & former.keys()
    assert former["redis_host"]["deprecation"]["replaced_with"] == [{"path": ["redis", "host"]}]
    assert former["redis_host"]["type"] == "string"
