# SPDX-License-Identifier: Apache-2.0
"""The local stack's components under mocks: what each is given, and what its resources answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from components.config.local import LocalConfig, read_local
from components.config.reader import ConfigReader
from components.endpoints import ControlPlaneEndpoint, HybridIdentity, KafkaEndpoint
from tests.support.registrations import secret


def reader(**changes: str) -> ConfigReader:
    """Return the local stack's configuration with ``changes``."""
    return ConfigReader("local", changes)


def config(**changes: str) -> LocalConfig:
    """Return it read."""
    return read_local(reader(**changes))


def answer(kind: str, name: str, _inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a resource has beyond its inputs."""
    known: dict[str, dict[str, Any]] = {
        "gateway:index:Credential": {"key": f"{name}-key", "secret": secret(f"{name}-secret")},
        "gateway:index:ClusterCertificate": {
            "certificatePem": "PEM",
            "privateKeyPem": secret("KEY"),
        },
        "gateway:local:Process": {"pid": 1, "running": True, "logFile": "log"},
    }
    return known.get(kind, {})


def identity() -> HybridIdentity:
    """Return a certificate, its key and its authority."""
    plain = pulumi.Output.from_input
    return HybridIdentity(plain("PEM"), pulumi.Output.secret("KEY"), plain("CA"))


def kafka_endpoint() -> KafkaEndpoint:
    """Return a Kafka with keys."""
    plain = pulumi.Output.from_input
    servers: list[dict[str, str | int]] = [{"host": "127.0.0.1", "port": 9092}]
    return KafkaEndpoint(
        plain(servers),
        plain("CA"),
        plain("api-key"),
        pulumi.Output.secret("api-secret"),
        plain("reader-key"),
        pulumi.Output.secret("reader-secret"),
        {"orders": plain("orders")},
    )


def control_plane_endpoint(**changes: Any) -> ControlPlaneEndpoint:
    """Return a control plane of our own."""
    plain = pulumi.Output.from_input
    given: dict[str, Any] = {
        "admin_url": plain("http://127.0.0.1:8001"),
        "admin_token": pulumi.Output.secret("admin-secret"),
        "cluster": plain("127.0.0.1:8005"),
        "cluster_server_name": plain("control-plane.kafka-gateway.local"),
    }
    return ControlPlaneEndpoint(**given | changes)
