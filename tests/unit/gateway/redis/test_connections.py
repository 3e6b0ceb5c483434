# SPDX-License-Identifier: Apache-2.0
"""Databases, passwords, TLS, Sentinels and a cluster, against real servers."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from gateway.entities.redis_settings import (
    ClusterAddress,
    RedisDeployment,
    RedisSettings,
    SentinelNode,
)
from gateway.errors import RedisUnreachable
from gateway.redis.client import RedisClient
from gateway.redis.script import RedisScript
from gateway.redis.target import RedisTarget, target_of
from tests.support.authority import Authority
from tests.support.producing import until
from tests.support.valkey import running_valkey, tls_before

COUNT = RedisScript("return redis.call('INCR', KEYS[1])")


async def counted(target: RedisTarget, key: str = "k") -> Any:
    client = RedisClient(target)
    try:
        return await client.run(COUNT, [key])
    finally:
        await client.close()


async def test_each_database_has_connections_of_its_own(tmp_path: Path) -> None:
    with running_valkey(tmp_path) as server:
        for database in (0, 3):
            settings = RedisSettings(host="127.0.0.1", port=server.port, database=database)
            assert await counted(target_of(settings)) == 1
        assert server.ask("GET", "k") == server.ask("GET", "k", database=3) == "1"
        assert server.ask("GET", "k", database=1) is None


async def test_passwords_and_users_are_shown(tmp_path: Path) -> None:
    with running_valkey(tmp_path, "--requirepass", "open") as server:
        server.ask("ACL", "SETUSER", "ann", "on", ">hers", "~*", "+@all")

        def settings(**more: Any) -> RedisTarget:
            return target_of(RedisSettings(host="127.0.0.1", port=server.port, **more))

        assert await counted(settings(password="open")) == 1
        assert await counted(settings(username="ann", password="hers")) == 2
        with pytest.raises(RedisUnreachable, match="invalid username-password") as caught:
            await counted(settings(username="ann", password="guess"))
        assert "guess" not in str(caught.value)


async def test_tls_is_verified_by_the_nodes_authorities(tmp_path: Path) -> None:
    authority = Authority()
    certificate, key = authority.issue("redis.test", server=True).write(tmp_path, "server")
    trusted = tmp_path / "ca.pem"
    trusted.write_text(authority.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with running_valkey(tmp_path) as server:
        async with tls_before(server.port, context) as port:

            def settings(**more: Any) -> RedisTarget:
                record = RedisSettings(host="127.0.0.1", port=port, ssl=True, **more)
                return target_of(record, str(trusted))

            assert await counted(settings()) == 1
            assert await counted(settings(ssl_verify=True, server_name="redis.test")) == 2
            with pytest.raises(RedisUnreachable, match="certificate"):
                await counted(settings(ssl_verify=True))
            with pytest.raises(RedisUnreachable, match="certificate"):
                await counted(settings(ssl_verify=True, server_name="other.test"))


async def test_a_cluster_is_asked_where_a_key_is(tmp_path: Path) -> None:
    with running_valkey(tmp_path, "--cluster-enabled", "yes") as server:
        server.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        await until(lambda: "cluster_state:ok" in str(server.ask("CLUSTER", "INFO")))
        settings = RedisDeployment(cluster_nodes=[ClusterAddress(port=server.port)])
        client = RedisClient(target_of(settings))
        assert [await client.run(COUNT, [key]) for key in "aba"] == [1, 1, 2]
        await client.close()


async def test_sentinels_say_where_the_master_is(tmp_path: Path) -> None:
    with (
        running_valkey(tmp_path / "a") as master,
        running_valkey(tmp_path / "b", sentinel=True) as sentinel,
    ):
        sentinel.ask("SENTINEL", "MONITOR", "counts", "127.0.0.1", master.port, 1)
        settings = RedisDeployment(
            sentinel_master="counts",
            sentinel_role="master",
            sentinel_nodes=[SentinelNode(host="127.0.0.1", port=sentinel.port)],
        )
        assert await counted(target_of(settings)) == 1
        assert master.ask("GET", "k") == "1"
