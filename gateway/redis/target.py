# SPDX-License-Identifier: Apache-2.0
"""A Redis that is talked to: everything that makes one connection differ from another."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gateway.entities.redis_settings import RedisDeployment, RedisSettings
from gateway.names.addresses import bare_host


@dataclass(frozen=True)
class RedisTarget:
    """Equal targets share their connections. Times are in seconds."""

    host: str
    port: int
    connect_timeout: float
    reply_timeout: float
    patience: float
    """How long a caller waits at most, connecting included."""
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    verified: bool = False
    server_name: str | None = None
    trusted_ca: str | None = None
    """File of the trusted authorities; None: the system's."""
    cluster: tuple[tuple[str, int], ...] = ()
    redirections: int = 5
    sentinels: tuple[tuple[str, int], ...] = ()
    master: str = ""
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What logs call it."""
        if self.cluster:
            return "cluster " + ",".join(f"{host}:{port}" for host, port in self.cluster)
        if self.sentinels:
            return f"{self.master} of the Sentinels"
        return f"{self.host}:{self.port}/{self.database}"


def target_of(
    settings: RedisSettings | RedisDeployment, trusted_ca: str | None = None
) -> RedisTarget:
    """Return the target of a plugin's record; its vault references are resolved."""
    if isinstance(settings, RedisSettings):
        connect = send = reply = settings.timeout / 1000
    else:
        connect, reply = settings.connect_timeout / 1000, settings.read_timeout / 1000
        send = settings.send_timeout / 1000
    # A user name alone is not shown, as in Kong.
    user = settings.username if settings.password else None
    common = RedisTarget(
        bare_host(settings.host or "127.0.0.1"),
        6379 if settings.port is None else settings.port,
        connect,
        reply,
        max(connect, send, reply),
        settings.database,
        user or None,
        settings.password or None,
        settings.ssl,
        settings.ssl_verify,
        settings.server_name,
        trusted_ca if settings.ssl and settings.ssl_verify else None,
    )
    if isinstance(settings, RedisSettings):
        return common
    return _deployed(common, settings)


def _deployed(common: RedisTarget, settings: RedisDeployment) -> RedisTarget:
    return replace(
        common,
        cluster=tuple((bare_host(node.ip), node.port) for node in settings.cluster_nodes or ()),
        redirections=settings.cluster_max_redirections,
        sentinels=tuple(
            (bare_host(node.host), node.port) for node in settings.sentinel_nodes or ()
        ),
        master=settings.sentinel_master or "",
        sentinel_username=settings.sentinel_username if settings.sentinel_password else None,
        sentinel_password=settings.sentinel_password,
    )
