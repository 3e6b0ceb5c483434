# SPDX-License-Identifier: Apache-2.0
"""The stack in the cloud: Kafka, cluster, control plane, routes, data plane, in that order."""

from __future__ import annotations

from typing import Any

import pulumi

from components.certificates import ClusterCertificates
from components.config.cloud import (
    CloudConfig,
    ConfluentConfig,
    EksConfig,
    ExistingControlPlaneConfig,
    ExistingKafkaConfig,
    KonnectConfig,
    OwnControlPlaneConfig,
    read_cloud,
)
from components.config.reader import ConfigReader
from components.confluent import ConfluentKafka, ConfluentKafkaArgs
from components.control_plane import ControlPlaneRelease, ControlPlaneReleaseArgs
from components.data_plane import GatewayRelease, GatewayReleaseArgs
from components.eks import ExistingCluster, GatewayCluster, GatewayClusterArgs
from components.endpoints import ClusterIdentity, ControlPlaneEndpoint, KafkaEndpoint
from components.konnect import KonnectControlPlane, KonnectControlPlaneArgs
from components.routes import GatewayRoutes, GatewayRoutesArgs, check_routes


def stand_up(reader: ConfigReader) -> dict[str, Any]:
    """Register the whole stack; return what the program exports."""
    config = read_cloud(reader)
    check_routes(config.routes, config.stack, tuple(topic.name for topic in config.topics))
    kafka = _kafka(config)
    cluster = _cluster(config)
    certificates = ClusterCertificates("certificates", f"kafka-gateway {config.stack} authority")
    identity = certificates.client("data-plane", "data-plane")
    control_plane, made_by = _control_plane(config, cluster, certificates, identity)
    routes = GatewayRoutes(
        "routes",
        GatewayRoutesArgs(
            file=config.routes,
            owner=f"stack-{config.stack}",
            stack=config.stack,
            topics=tuple(topic.name for topic in config.topics),
            control_plane=control_plane,
            kafka=kafka,
        ),
        pulumi.ResourceOptions(deleted_with=made_by),
    )
    data_plane = GatewayRelease(
        "data-plane",
        GatewayReleaseArgs(
            config=config.release,
            control_plane=control_plane,
            kafka=kafka,
            identity=identity,
            provider=cluster.provider,
            cluster=cluster.provider if isinstance(cluster, ExistingCluster) else cluster.cluster,
            log_level=config.log_level,
        ),
        # Ready means: it serves a configuration. The other order would wait for ever.
        pulumi.ResourceOptions(depends_on=[routes.configuration]),
    )
    return _outputs(kafka, cluster, control_plane, data_plane)


def _kafka(config: CloudConfig) -> KafkaEndpoint:
    if isinstance(config.kafka, ConfluentConfig):
        made = ConfluentKafka(
            "kafka",
            ConfluentKafkaArgs(
                stack=config.stack,
                config=config.kafka,
                topics=config.topics,
                api_key_slot=config.api_key_slot,
                api_key_generations=config.api_key_generations,
                protect=config.protect,
                retain=config.retain,
            ),
        )
        return made.endpoint
    return _existing_kafka(config, config.kafka)


def _existing_kafka(config: CloudConfig, kafka: ExistingKafkaConfig) -> KafkaEndpoint:
    servers: list[dict[str, str | int]] = [
        {"host": host, "port": port} for host, port in kafka.bootstrap_servers
    ]
    return KafkaEndpoint(
        bootstrap_servers=pulumi.Output.from_input(servers),
        ca_pem=pulumi.Output.from_input(kafka.ca_pem) if kafka.ca_pem else None,
        api_key=pulumi.Output.from_input(kafka.api_key),
        api_secret=kafka.api_secret.output(),
        reader_key=pulumi.Output.from_input(kafka.reader_key),
        reader_secret=kafka.reader_secret.output(),
        topics={topic.name: pulumi.Output.from_input(topic.name) for topic in config.topics},
    )


def _cluster(config: CloudConfig) -> GatewayCluster | ExistingCluster:
    if isinstance(config.cluster, EksConfig):
        args = GatewayClusterArgs(config.cluster, config.tags, config.protect)
        return GatewayCluster("cluster", args)
    return ExistingCluster("cluster", config.cluster)


def _control_plane(
    config: CloudConfig,
    cluster: GatewayCluster | ExistingCluster,
    certificates: ClusterCertificates,
    identity: ClusterIdentity,
) -> tuple[ControlPlaneEndpoint, pulumi.Resource | None]:
    """Return the control plane, and the resource with which its configuration is gone."""
    given = config.control_plane
    if isinstance(given, KonnectConfig):
        args = KonnectControlPlaneArgs(given, identity, config.stack, config.protect)
        konnect = KonnectControlPlane("control-plane", args)
        return konnect.endpoint, konnect.control_plane
    if isinstance(given, OwnControlPlaneConfig):
        own = ControlPlaneRelease(
            "control-plane",
            ControlPlaneReleaseArgs(
                config=given,
                image=config.release,
                certificates=certificates,
                provider=cluster.provider,
                kubeconfig=cluster.kubeconfig,
                log_level=config.log_level,
            ),
        )
        return own.endpoint, own.release
    return _existing_control_plane(given), None


def _existing_control_plane(config: ExistingControlPlaneConfig) -> ControlPlaneEndpoint:
    return ControlPlaneEndpoint(
        admin_url=pulumi.Output.from_input(config.admin_url),
        admin_token=config.admin_token.output(),
        cluster=pulumi.Output.from_input(config.cluster),
        cluster_server_name=pulumi.Output.from_input(config.server_name),
    )


def _outputs(
    kafka: KafkaEndpoint,
    cluster: GatewayCluster | ExistingCluster,
    control_plane: ControlPlaneEndpoint,
    data_plane: GatewayRelease,
) -> dict[str, Any]:
    servers = kafka.bootstrap_servers.apply(
        lambda found: ",".join(f"{one['host']}:{one['port']}" for one in found)
    )
    return {
        "proxyUrl": data_plane.proxy_url,
        "adminUrl": control_plane.admin_url,
        "adminToken": pulumi.Output.secret(control_plane.admin_token),
        "kubeconfig": cluster.kubeconfig,
        "kafka": {
            "bootstrapServers": servers,
            "caPem": kafka.ca_pem,
            "readerKey": kafka.reader_key,
            "readerSecret": pulumi.Output.secret(kafka.reader_secret),
        },
    }
