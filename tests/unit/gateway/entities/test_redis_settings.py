# SPDX-License-Identifier: Apache-2.0
"""The two records, with null for what is not set, and what is refused with a remedy."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from gateway.entities.problems import problems_of
from gateway.entities.redis_settings import RedisDeployment, RedisSettings

# What decK writes for a record of which nothing was set (Kong 3.13).
FILLED: dict[str, Any] = {
    "cloud_authentication": None,
    "database": 0,
    "host": None,
    "password": None,
    "port": 6379,
    "server_name": None,
    "ssl": False,
    "ssl_verify": False,
    "timeout": 2000,
    "username": None,
}


def problems(model: type[BaseModel], given: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(given)
    return "\n".join(found.sentence("redis") for found in problems_of(caught.value, model))


def test_a_filled_record_is_accepted() -> None:
    assert RedisSettings.model_validate(FILLED) == RedisSettings()
    given = {"cloud_authentication": {"auth_provider": None, "aws_is_serverless": True}}
    assert RedisSettings.model_validate(given).host is None


def test_the_long_record_has_the_defaults_of_kong() -> None:
    found = RedisDeployment().model_dump()
    assert found["host"] == "127.0.0.1"
    assert found["port"] == 6379
    assert (found["connect_timeout"], found["read_timeout"], found["send_timeout"]) == (2000,) * 3
    assert found["keepalive_pool_size"] == 256
    assert found["cluster_max_redirections"] == 5


@pytest.mark.parametrize("provider", ["aws", "azure", "gcp"])
@pytest.mark.parametrize("model", [RedisSettings, RedisDeployment])
def test_sign_in_by_a_cloud_is_refused_with_what_to_do(
    model: type[BaseModel], provider: str
) -> None:
    text = problems(model, {"cloud_authentication": {"auth_provider": provider}})
    assert "redis.cloud_authentication.auth_provider: cannot be served" in text
    assert "leave auth_provider out" in text


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"sentinel_master": "m"}, "redis.sentinel_nodes: required field missing"),
        ({"sentinel_nodes": [{"host": "s"}]}, "redis.sentinel_role: required field missing"),
        (
            {"sentinel_master": "m", "sentinel_role": "slave", "sentinel_nodes": [{}]},
            "redis.sentinel_role: must be master",
        ),
        (
            {
                "sentinel_master": "m",
                "sentinel_role": "master",
                "sentinel_nodes": [{}],
                "cluster_nodes": [{}],
            },
            "mutually exclusive",
        ),
        ({"cluster_nodes": []}, "redis.cluster_nodes: length must be at least 1"),
        ({"cluster_nodes": [{}], "database": 1}, "redis.database: must be 0"),
        (
            {"cluster_nodes": [{}], "connection_is_proxied": True},
            "redis.connection_is_proxied: must be false",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(given: dict[str, Any], text: str) -> None:
    assert text in problems(RedisDeployment, given)


@pytest.mark.parametrize(
    ("given", "place"),
    [({"port": 65536}, "redis.port"), ({"timeout": -1}, "redis.timeout"), ({"hots": 1}, "hots")],
)
def test_values_out_of_range_are_refused(given: dict[str, Any], place: str) -> None:
    assert place in problems(RedisSettings, given)
