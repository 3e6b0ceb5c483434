# SPDX-License-Identifier: Apache-2.0
"""Former names in records of Redis deployments, as dumps of Kong hold them."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import SchemaViolation
from gateway.schema import plugin_schema
from tests.support.policies import checked


def redis(**settings: Any) -> dict[str, Any]:
    """Return a plugin's record with its defaults."""
    found: dict[str, Any] = checked(
        "rate-limiting-advanced",
        limit=[1],
        window_size=[1],
        strategy="redis",
        sync_rate=0,
        redis=settings,
    )["redis"]
    return found


def timeouts(record: dict[str, Any]) -> list[int]:
    return [record[name] for name in ("connect_timeout", "send_timeout", "read_timeout")]


def test_one_timeout_stands_for_three_and_is_shown() -> None:
    assert timeouts(redis(timeout=150)) == [150] * 3
    assert redis(timeout=150)["timeout"] == 150
    assert timeouts(redis(timeout=None)) == [2000] * 3
    assert redis()["timeout"] == 2000
    assert timeouts(redis(timeout=150, read_timeout=70)) == [150, 150, 70]
    assert timeouts(redis(timeout=150, connect_timeout=2000)) == [150] * 3
    assert timeouts(redis(timeout=150, connect_timeout=150)) == [150] * 3


def test_what_is_shown_of_three_timeouts_changes_none_when_it_is_sent_back() -> None:
    record = redis(connect_timeout=70)
    assert record["timeout"] == 70
    assert redis(**record) == record


def test_addresses_are_nodes() -> None:
    cluster = redis(cluster_addresses=["10.0.0.1:6379", "redis.test:7000"])
    nodes = [{"ip": "10.0.0.1", "port": 6379}, {"ip": "redis.test", "port": 7000}]
    assert cluster["cluster_nodes"] == nodes
    assert redis(cluster_nodes=nodes)["cluster_addresses"] == ["10.0.0.1:6379", "redis.test:7000"]
    watched = redis(
        sentinel_addresses=["s:26379"], sentinel_master="m", sentinel_role="master", timeout=None
    )
    assert watched["sentinel_nodes"] == [{"host": "s", "port": 26379}]
    assert redis(cluster_addresses=None, sentinel_addresses=None)["cluster_nodes"] is None


def test_what_was_dumped_is_taken_again() -> None:
    once = redis(cluster_addresses=["10.0.0.1:6379"], timeout=99)
    assert redis(**once) == once


@pytest.mark.parametrize("address", ["redis", "redis:", ":6379", "redis:port"])
def test_an_address_needs_host_and_port(address: str) -> None:
    with pytest.raises(SchemaViolation, match="Invalid Redis host address"):
        redis(cluster_addresses=[address])


def test_the_schema_says_what_became_of_them() -> None:
    fields = plugin_schema("rate-limiting-advanced")["fields"]
    (config,) = [field["config"] for field in fields if "config" in field]
    (record,) = [field["redis"] for field in config["fields"] if "redis" in field]
    former = {name: field for one in record["shorthand_fields"] for name, field in one.items()}
    paths = {
        name: [item["path"] for item in field["deprecation"]["replaced_with"]]
        for name, field in former.items()
    }
    assert paths == {
        "timeout": [["connect_timeout"], ["send_timeout"], ["read_timeout"]],
        "sentinel_addresses": [["sentinel_nodes"]],
        "cluster_addresses": [["cluster_nodes"]],
    }
    assert not {name for one in record["fields"] for name in one} & former.keys()
