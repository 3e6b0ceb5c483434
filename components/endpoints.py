# SPDX-License-Identifier: Apache-2.0
"""What the platforms hand on: nothing downstream knows which one it is on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi

READER_GROUP_PREFIX = "kafka-gateway"
"""Consumer groups that the command line may use begin with this."""


@dataclass(frozen=True)
class SchemaRegistryEndpoint:
    """A schema registry that is there, and the gateway's key for it."""

    url: pulumi.Output[str]
    key: pulumi.Output[str]
    secret: pulumi.Output[str]


@dataclass(frozen=True)
class KafkaEndpoint:
    """A Kafka cluster that is there, with the keys its users hold.

    ``bootstrap_servers`` is a list of ``{"host": str, "port": int}``; ``ca_pem`` is None where
    the system's trust store knows the broker's authority. ``topics`` maps the name in the
    configuration to the name on the cluster, known once the topic is there.
    """

    bootstrap_servers: pulumi.Output[list[dict[str, str | int]]]
    ca_pem: pulumi.Output[str] | None
    api_key: pulumi.Output[str]
    api_secret: pulumi.Output[str]
    reader_key: pulumi.Output[str]
    reader_secret: pulumi.Output[str]
    topics: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    schema_registry: SchemaRegistryEndpoint | None = None

    @property
    def server_list(self) -> pulumi.Output[str]:
        """``host:port`` of each server, separated by commas, as clients want it."""
        return self.bootstrap_servers.apply(_server_list)


def _server_list(servers: list[dict[str, str | int]]) -> str:
    return ",".join(f"{server['host']}:{int(server['port'])}" for server in servers)


@dataclass(frozen=True)
class HybridIdentity:
    """Key and certificate for one side of the hybrid protocol, and the authority of both."""

    certificate_pem: pulumi.Output[str]
    private_key_pem: pulumi.Output[str]
    ca_pem: pulumi.Output[str]


@dataclass(frozen=True)
class ControlPlaneEndpoint:
    """A control plane that is there: where it is administered, and where data planes connect.

    ``kind`` is ``own`` or ``konnect``. A control plane without an address that can be reached from
    here has ``forward`` instead: what a port-forward through its kubeconfig needs.

    ``cluster`` and ``telemetry`` are ``host:port``; ``telemetry`` is None for our own.
    """

    admin_url: pulumi.Output[str]
    admin_token: pulumi.Output[str]
    cluster: pulumi.Output[str]
    cluster_server_name: pulumi.Output[str]
    kind: str = "own"
    forward: Mapping[str, pulumi.Input[str]] | None = None
    telemetry: pulumi.Output[str] | None = None
    telemetry_server_name: pulumi.Output[str] | None = None
