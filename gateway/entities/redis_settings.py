# SPDX-License-Identifier: Apache-2.0
"""The ``redis`` records of plugins: the short one, and the one with Sentinel and Cluster.

Fields are those of Kong 3.15: the short record is that of ``rate-limiting``, the other that of
``rate-limiting-advanced``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from gateway.entities.base import Hint, StrictModel, violation
from gateway.entities.redis_former import present_names
from gateway.entities.types import ConnectHost, MayBeEmpty, Port
from gateway.entities.versions import by_version

_Timeout = Annotated[int, Field(ge=0, le=2147483646)]
_Secret = Annotated[str, Hint(referenceable=True, encrypted=True)]
_Referenceable = Annotated[str, Hint(referenceable=True)]
_Host = Annotated[ConnectHost, Hint(referenceable=True)]

_CLOUD = (
    "cannot be served: the gateway signs in to Redis with user name and password only; "
    "leave auth_provider out"
)


class CloudAuthentication(StrictModel):
    """Accepted as long as it names no provider: sign-in by a cloud's identity is not there."""

    auth_provider: Literal["aws", "azure", "gcp"] | None = Field(
        default=None,
        description="The cloud whose identity signs in to Redis; not served: leave it out.",
    )
    aws_cache_name: _Referenceable | None = Field(
        default=None, description="The name of the AWS ElastiCache cluster."
    )
    aws_region: _Referenceable | None = Field(
        default=None, description="The region of the AWS ElastiCache cluster."
    )
    aws_is_serverless: bool = Field(
        default=True, description="Whether the AWS ElastiCache cluster is serverless."
    )
    aws_access_key_id: _Secret | None = Field(
        default=None, description="The AWS access key id that signs in."
    )
    aws_secret_access_key: _Secret | None = Field(
        default=None, description="The AWS secret access key that signs in."
    )
    aws_assume_role_arn: _Secret | None = Field(
        default=None, description="The ARN of the IAM role that signs in."
    )
    aws_role_session_name: _Secret | None = Field(
        default=None, description="The session name of the IAM role that signs in."
    )
    gcp_service_account_json: _Secret | None = Field(
        default=None, description="The GCP service account that signs in, as JSON."
    )
    azure_client_id: _Secret | None = Field(
        default=None, description="The Azure client id that signs in."
    )
    azure_client_secret: _Secret | None = Field(
        default=None, description="The Azure client secret that signs in."
    )
    azure_tenant_id: _Secret | None = Field(
        default=None, description="The Azure tenant id that signs in."
    )

    @model_validator(mode="after")
    def _refuse(self) -> CloudAuthentication:
        if self.auth_provider is not None:
            raise violation([], {"auth_provider": _CLOUD})
        return self


# What both records have alike, each at its place in Kong's order.
_USERNAME: Any = Field(
    default=None,
    description="The user name shown to the server; without a password none is shown.",
)
_PASSWORD: Any = Field(default=None, description="The password shown to the server.")
_DATABASE: Any = Field(default=0, description="The number of the database.")
_TLS: Any = Field(default=False, description="Whether TLS is used.")
_TLS_VERIFIED: Any = by_version(
    False, True, description="Whether the server's certificate is verified."
)
_TLS_NAME: Any = Field(
    default=None,
    description="The name that TLS asks for and that the certificate must bear; the host if it is "
    "not set.",
)
_CLOUD_SIGN_IN: Any = Field(default=None, description="Sign-in by a cloud's identity; not served.")


class RedisSettings(StrictModel):
    """One Redis server."""

    host: _Host | None = Field(default=None, description="The server's host.")
    port: Port = Field(default=6379, description="The server's port.")
    timeout: _Timeout = Field(
        default=2000,
        description="The milliseconds that a request waits for the server at most, connecting "
        "included.",
    )
    username: _Secret | None = _USERNAME
    # An empty one stands for none, as in Kong; the other record refuses it, as Kong's does.
    password: Annotated[MayBeEmpty, Hint(referenceable=True, encrypted=True)] | None = _PASSWORD
    database: int = _DATABASE
    ssl: bool = _TLS
    ssl_verify: bool = _TLS_VERIFIED
    server_name: _Host | None = _TLS_NAME
    cloud_authentication: CloudAuthentication | None = _CLOUD_SIGN_IN


class SentinelNode(StrictModel):
    """One Redis Sentinel."""

    host: ConnectHost = Field(default="127.0.0.1", description="The Sentinel's host.")
    port: Port = Field(default=6379, description="The Sentinel's port.")


class ClusterAddress(StrictModel):
    """One node of a Redis Cluster."""

    ip: ConnectHost = Field(default="127.0.0.1", description="The node's address or host name.")
    port: Port = Field(default=6379, description="The node's port.")


class RedisDeployment(StrictModel):
    """A Redis server, one that Sentinels watch over, or a Redis Cluster."""

    host: _Host | None = Field(default="127.0.0.1", description="The server's host.")
    port: Annotated[int, Field(ge=0, le=65535), Hint(referenceable=True)] | None = Field(
        default=6379, description="The server's port."
    )
    connect_timeout: _Timeout = Field(
        default=2000, description="The milliseconds that connecting may take."
    )
    send_timeout: _Timeout = Field(
        default=2000, description="The milliseconds that sending a command may take."
    )
    read_timeout: _Timeout = Field(
        default=2000, description="The milliseconds that the reply may take."
    )
    username: _Secret | None = _USERNAME
    password: _Secret | None = _PASSWORD
    sentinel_username: _Secret | None = Field(
        default=None, description="The user name shown to the Sentinels."
    )
    sentinel_password: _Secret | None = Field(
        default=None, description="The password shown to the Sentinels."
    )
    database: int = _DATABASE
    keepalive_pool_size: Annotated[int, Field(ge=1, le=2147483646)] = Field(
        default=256, description="Without effect: a worker needs a handful of connections."
    )
    keepalive_backlog: Annotated[int, Field(ge=0, le=2147483646)] | None = Field(
        default=None, description="Without effect: a worker needs a handful of connections."
    )
    sentinel_master: str | None = Field(
        default=None, description="The name of the master that the Sentinels watch over."
    )
    sentinel_role: Literal["master", "slave", "any"] | None = Field(
        default=None, description="Which server is asked: `master`, as counters are written."
    )
    sentinel_nodes: Annotated[list[SentinelNode], Field(min_length=1)] | None = Field(
        default=None, description="The Sentinels; set them to find the server through them."
    )
    cluster_nodes: Annotated[list[ClusterAddress], Field(min_length=1)] | None = Field(
        default=None, description="Some nodes of a Redis Cluster; set them to use one."
    )
    cluster_max_redirections: int = Field(
        default=5, description="How often a command follows the cluster's redirections."
    )
    ssl: bool = _TLS
    ssl_verify: bool = _TLS_VERIFIED
    server_name: _Host | None = _TLS_NAME
    connection_is_proxied: bool = Field(
        default=False, description="Whether a proxy stands before Redis; a cluster has none."
    )
    redis_proxy_type: Literal["envoy_v1.31"] | None = Field(
        default=None, description="The kind of the proxy before Redis."
    )
    cloud_authentication: CloudAuthentication | None = _CLOUD_SIGN_IN
    timeout: (
        Annotated[_Timeout, Hint(shorthand=("connect_timeout", "send_timeout", "read_timeout"))]
        | None
    ) = Field(
        default=None,
        description="The former name of `connect_timeout`, `send_timeout` and `read_timeout`.",
    )
    sentinel_addresses: (
        Annotated[list[str], Field(min_length=1), Hint(shorthand=("sentinel_nodes",))] | None
    ) = Field(default=None, description="The former form of `sentinel_nodes`: `host:port`.")
    cluster_addresses: (
        Annotated[list[str], Field(min_length=1), Hint(shorthand=("cluster_nodes",))] | None
    ) = Field(default=None, description="The former form of `cluster_nodes`: `host:port`.")

    @model_validator(mode="before")
    @classmethod
    def _move(cls, data: Any) -> Any:
        return present_names(data) if isinstance(data, Mapping) else data

    @model_validator(mode="after")
    def _show(self) -> RedisDeployment:
        self.timeout = self.connect_timeout
        self.sentinel_addresses = [
            f"{node.host}:{node.port}" for node in self.sentinel_nodes or ()
        ] or None
        self.cluster_addresses = [
            f"{node.ip}:{node.port}" for node in self.cluster_nodes or ()
        ] or None
        return self

    @model_validator(mode="after")
    def _check(self) -> RedisDeployment:
        wrong = dict(_sentinel_problems(self))
        checks = []
        if self.sentinel_nodes and self.cluster_nodes:
            checks.append("these fields are mutually exclusive: 'sentinel_nodes', 'cluster_nodes'")
        if self.connection_is_proxied and (self.sentinel_nodes or self.cluster_nodes):
            wrong["connection_is_proxied"] = "must be false for Sentinels and for a cluster"
        if self.cluster_nodes and self.database:
            wrong["database"] = "must be 0: a Redis Cluster has no other database"
        if wrong or checks:
            raise violation(checks, wrong)
        return self


def _sentinel_problems(settings: RedisDeployment) -> list[tuple[str, str]]:
    given = {
        name: getattr(settings, name)
        for name in ("sentinel_master", "sentinel_role", "sentinel_nodes")
    }
    if not any(given.values()):
        return []
    found = [(name, "required field missing") for name, value in given.items() if value is None]
    if settings.sentinel_role == "slave":
        found.append(("sentinel_role", "must be master: counters are written, not only read"))
    return found


def host_missing(redis: RedisSettings) -> dict[str, str]:
    """Return what a plugin that keeps something in Redis still lacks, as fields to report."""
    return {} if redis.host else {"redis.host": "required field missing"}
