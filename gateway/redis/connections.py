# SPDX-License-Identifier: Apache-2.0
"""Redis' own client, set up for a target: no retries, RESP2, TLS by the node's authorities."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from redis.asyncio import BlockingConnectionPool, Connection, Redis, SSLConnection
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool, SentinelManagedConnection
from redis.backoff import NoBackoff

from gateway.pem import verifying
from gateway.redis.target import RedisTarget

CONNECTIONS = 8
"""Connections of one worker to one server at most."""


def connect(target: RedisTarget) -> Redis | RedisCluster:
    """Return a client; it connects when it is first used."""
    if target.cluster:
        return _cluster(target)
    if target.sentinels:
        return _behind_sentinels(target)
    kind: type[Connection] = _TlsConnection if target.tls else Connection
    pool = _pool(target, kind, host=target.host, port=target.port)
    # As from_pool, the client closes the pool when it is closed itself.
    return _plain(Redis.from_pool(pool))


async def disconnect(client: Redis | RedisCluster) -> None:
    """Close all connections of a client that ``connect`` returned."""
    await client.aclose()
    pool = getattr(client, "connection_pool", None)
    if isinstance(pool, SentinelConnectionPool):
        for sentinel in pool.sentinel_manager.sentinels:
            await sentinel.aclose()


def _plain(client: Redis) -> Redis:
    """Let replies be those of the protocol, whatever the command."""
    client.response_callbacks.clear()
    return client


def _pool(target: RedisTarget, kind: type[Connection], **more: Any) -> BlockingConnectionPool:
    return BlockingConnectionPool(
        max_connections=CONNECTIONS,
        timeout=target.patience,
        connection_class=kind,
        **_options(target),
        **_tls(target),
        **more,
    )


def _options(target: RedisTarget) -> dict[str, Any]:
    # Counting is not idempotent: a command whose reply was lost must not be sent again.
    return {
        "db": target.database,
        "username": target.username,
        "password": target.password,
        "socket_connect_timeout": target.connect_timeout,
        "socket_timeout": target.reply_timeout,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
        "driver_info": None,
    }


def _tls(target: RedisTarget) -> dict[str, Any]:
    return {"context": _context(target), "server_name": target.server_name} if target.tls else {}


def _context(target: RedisTarget) -> ssl.SSLContext:
    context = verifying(cafile=target.trusted_ca)
    if not target.verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _TlsConnection(SSLConnection):
    """TLS with a context of ours, and with a name that may differ from the host."""

    def __init__(
        self, *, context: ssl.SSLContext, server_name: str | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self._context = context
        self._server_name = server_name

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {
            "host": self.host,
            "port": self.port,
            "ssl": self._context,
            "server_hostname": self._server_name or self.host,
        }


class _TlsSentinelConnection(SentinelManagedConnection, _TlsConnection):
    """TLS to the server that the Sentinels name."""


def _behind_sentinels(target: RedisTarget) -> Redis:
    to_sentinels = {
        "username": target.sentinel_username,
        "password": target.sentinel_password,
        "socket_connect_timeout": target.connect_timeout,
        "socket_timeout": target.reply_timeout,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    sentinel = Sentinel(  # type: ignore[no-untyped-call]  # the library's
        target.sentinels, sentinel_kwargs=to_sentinels
    )
    kind = _TlsSentinelConnection if target.tls else SentinelManagedConnection
    options = {**_options(target), **_tls(target), "connection_class": kind}
    return _plain(sentinel.master_for(target.master, **options))


def _cluster(target: RedisTarget) -> RedisCluster:
    tls: dict[str, Any] = {}
    if target.tls:
        tls = {
            "ssl": True,
            "ssl_cert_reqs": "required" if target.verified else "none",
            "ssl_check_hostname": target.verified,
            "ssl_ca_certs": target.trusted_ca,
        }
    options = _options(target)
    del options["db"]
    return RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in target.cluster],
        max_connections=CONNECTIONS,
        **options,
        **tls,
    )
