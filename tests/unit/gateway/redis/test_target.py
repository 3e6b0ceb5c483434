# SPDX-License-Identifier: Apache-2.0
"""What makes one connection differ from another, and what none may show."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.entities.redis_settings import (
    ClusterAddress,
    RedisDeployment,
    RedisSettings,
    SentinelNode,
)
from gateway.redis.target import target_of


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"username": "u"}, (None, None)),
        ({"password": "p"}, (None, "p")),
        ({"username": "u", "password": "p"}, ("u", "p")),
    ],
)
def test_a_user_name_needs_a_password(given: dict[str, Any], shown: tuple[str, str]) -> None:
    for settings in (RedisSettings(host="h", **given), RedisDeployment(**given)):
        target = target_of(settings)
        assert (target.username, target.password) == shown


def test_addresses_may_be_in_brackets() -> None:
    assert target_of(RedisSettings(host="[::1]")).host == "::1"
    assert target_of(RedisDeployment(host="::1")).host == "::1"
    nodes = [ClusterAddress(ip="[::1]", port=1)]
    assert target_of(RedisDeployment(cluster_nodes=nodes)).cluster == (("::1", 1),)
    sentinels = [SentinelNode(host="[::1]", port=1)]
    watched = RedisDeployment(sentinel_master="m", sentinel_role="master", sentinel_nodes=sentinels)
    assert target_of(watched).sentinels == (("::1", 1),)


@pytest.mark.parametrize("host", ["a..b", "http://a.test/", "a b", "a\n", "x" * 64 + ".test"])
def test_what_is_no_host_is_refused(host: str) -> None:
    given: list[tuple[Any, dict[str, Any]]] = [
        (RedisSettings, {"host": host}),
        (RedisSettings, {"host": "h", "server_name": host}),
        (RedisDeployment, {"host": host}),
        (ClusterAddress, {"ip": host}),
        (SentinelNode, {"host": host}),
    ]
    for kind, fields in given:
        with pytest.raises(ValidationError):
            kind(**fields)


def test_a_vault_may_have_the_host() -> None:
    assert RedisSettings(host="{vault://env/redis-host}").host == "{vault://env/redis-host}"


def test_an_empty_password_stands_for_none() -> None:
    target = target_of(RedisSettings(host="h", username="u", password=""))
    assert (target.username, target.password) == (None, None)


def test_no_password_is_shown() -> None:
    target = target_of(
        RedisDeployment(
            password="secret-a",
            sentinel_username="u",
            sentinel_password="secret-b",
            sentinel_master="m",
            sentinel_role="master",
            sentinel_nodes=[SentinelNode()],
        )
    )
    assert "secret" not in repr(target) + str(target) + target.name


@pytest.mark.parametrize("change", [{"database": 1}, {"port": 1}, {"password": "p"}, {"ssl": True}])
def test_connections_are_shared_by_equal_settings_only(change: dict[str, Any]) -> None:
    one = target_of(RedisSettings(host="h"))
    assert one == target_of(RedisSettings(host="h"))
    assert one != target_of(RedisSettings(host="h", **change))


def test_the_longest_timeout_bounds_the_wait() -> None:
    assert target_of(RedisSettings(host="h", timeout=50)).patience == 0.05
    settings = RedisDeployment(connect_timeout=100, send_timeout=300, read_timeout=200)
    assert target_of(settings).patience == 0.3


def test_authorities_matter_only_where_they_are_asked() -> None:
    plain = target_of(RedisSettings(host="h", ssl=True), "/ca.pem")
    assert plain.trusted_ca is None
    verified = target_of(RedisSettings(host="h", ssl=True, ssl_verify=True), "/ca.pem")
    assert verified.trusted_ca == "/ca.pem"


def test_a_target_has_a_name_for_logs() -> None:
    assert target_of(RedisSettings(host="h", database=2)).name == "h:6379/2"
    cluster = RedisDeployment(
        cluster_nodes=[ClusterAddress(ip="a"), ClusterAddress(ip="b", port=1)]
    )
    assert target_of(cluster).name == "cluster a:6379,b:1"
