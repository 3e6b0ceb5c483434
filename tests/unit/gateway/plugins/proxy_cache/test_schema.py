# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.plugins.proxy_cache.schema import Config
from gateway.schema import plugin_schema


def test_defaults_are_kongs() -> None:
    config = Config(strategy="memory")
    assert sorted(config.request_method) == ["GET", "HEAD"]
    assert config.response_code == [200, 301, 404]
    assert config.content_type == ["text/plain", "application/json"]
    assert (config.cache_ttl, config.storage_ttl, config.cache_control) == (300, None, False)
    assert config.memory.dictionary_name == "kong_db_cache"
    assert config.response_headers.model_dump() == {
        "age": True,
        "X-Cache-Status": True,
        "X-Cache-Key": True,
    }


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"strategy": "redis"},
        {"strategy": "memory", "cache_ttl": 0},
        {"strategy": "memory", "response_code": []},
        {"strategy": "memory", "response_code": [99]},
        {"strategy": "memory", "response_code": [901]},
        {"strategy": "memory", "request_method": ["DELETE"]},
        {"strategy": "memory", "response_headers": {"X-Other": True}},
    ],
)
def test_what_kong_refuses_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Config(**given)


def test_the_schema_names_the_headers_as_kong_does() -> None:
    (config,) = [one["config"] for one in plugin_schema("proxy-cache")["fields"] if "config" in one]
    (headers,) = [one["response_headers"] for one in config["fields"] if "response_headers" in one]
    assert [next(iter(field)) for field in headers["fields"]] == [
        "age",
        "X-Cache-Status",
        "X-Cache-Key",
    ]
