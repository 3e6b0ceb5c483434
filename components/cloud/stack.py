# SPDX-License-Identifier: Apache-2.0
"""The stack in the cloud: Kafka and Kubernetes, certificates, control plane, routes, data plane."""

from __future__ import annotations

from typing import Any

import pulumi

from components.cloud.certificates import ClusterCertificates, ClusterCertificatesArgs
from components.cloud.changes import refuse_changes
from components.cloud.confluent import ConfluentKafka, ConfluentKafkaArgs
from components.cloud.control_plane import (
    ControlPlaneRelease,
    ControlPlaneReleaseArgs,
    control_plane_names,
)
from components.cloud.data_plane import DataPlaneRelease, DataPlaneReleaseArgs, image
from components.cloud.eks import EksCluster, EksClusterArgs
from components.cloud.existing import ExistingCluster, ExistingControlPlane, ExistingKafka
from components.cloud.konnect import HostedControlPlane, HostedControlPlaneArgs
from components.cloud.kubernetes import KubernetesCluster
from components.cloud.listener_certificate import ListenerCertificate, ListenerCertificateArgs
from components.cloud.live import (
    NOTHING,
    LiveStack,
    claim_unmanaged,
    live_cluster,
    live_settings,
)
from components.cloud.people import ClusterPeople, ClusterPeopleArgs
from components.config.cloud import CloudConfig, ExistingKafkaConfig, read_cloud
from components.config.control_plane import (
    ExistingControlPlaneConfig,
    KonnectConfig,
    OwnControlPlaneConfig,
)
from components.config.kubernetes import EksConfig
from components.config.reader import ConfigReader
from components.config.secret import secret
from components.endpoints import ControlPlaneEndpoint, KafkaEndpoint
from components.routes import GatewayRoutes, GatewayRoutesArgs, check_routes


def stand_up(reader: ConfigReader) -> dict[str, Any]:
    """Register the whole stack; return what the program exports."""
    config = read_cloud(reader)
    live = LiveStack.of_this_run()
    refuse_changes(reader, config, live)
    check_routes(config)
    kafka = make_kafka(config, live)
    cluster = make_cluster(config, live)
    certificates = make_certificates(config, cluster)
    admit_people(config, cluster, certificates)
    control_plane, keeper = make_control_plane(config, cluster, certificates, live)
    routes = GatewayRoutes(
        "routes",
        GatewayRoutesArgs(config, control_plane, kafka.endpoint),
        pulumi.ResourceOptions(deleted_with=keeper),
    )
    data_plane = DataPlaneRelease(
        "data-plane",
        DataPlaneReleaseArgs(
            config=config.release,
            cluster=cluster,
            certificates=certificates,
            control_plane=control_plane,
            kafka=kafka.endpoint,
            konnect=isinstance(config.control_plane, KonnectConfig),
            log_level=config.log_level,
            compatibility_version=config.compatibility_version,
            certificate_arn=make_listener_certificate(config),
            secrets=config.secrets,
        ),
        # Ready means: it serves a configuration. The other order would wait for ever.
        pulumi.ResourceOptions(depends_on=[routes, kafka]),
    )
    exports: dict[str, Any] = {
        "proxyUrl": data_plane.proxy_url,
        "adminUrl": control_plane.admin_url,
        "adminToken": secret(control_plane.admin_token),
        "kubeconfig": secret(cluster.kubeconfig),
        "kafka": kafka_exports(kafka.endpoint),
    }
    if isinstance(config.control_plane, ExistingControlPlaneConfig) and certificates.authority_pem:
        # That control plane must be made to trust this authority.
        exports["authorityPem"] = certificates.authority_pem
    return exports


def kafka_exports(kafka: KafkaEndpoint) -> dict[str, Any]:
    """Return what the command line reads: `kafka-gateway topic consume --stack NAME`."""
    exports: dict[str, Any] = {
        "bootstrapServers": kafka.server_list,
        "caPem": kafka.ca_pem,
        "readerKey": kafka.reader_key,
        "readerSecret": kafka.reader_secret,
    }
    if (registry := kafka.schema_registry) is not None:
        exports["schemaRegistry"] = {
            "url": registry.url,
            "key": registry.key,
            "secret": secret(registry.secret),
        }
    return exports


def make_kafka(config: CloudConfig, live: LiveStack = NOTHING) -> ConfluentKafka | ExistingKafka:
    """Make the Kafka of a stack, or take the one that is there."""
    if isinstance(config.kafka, ExistingKafkaConfig):
        return ExistingKafka("kafka", config.kafka, config.topics)
    return ConfluentKafka(
        "kafka",
        ConfluentKafkaArgs(
            cluster=config.kafka,
            topics=config.topics,
            api_key_slot=config.api_key_slot,
            api_key_generations=config.api_key_generations,
            protect=config.protect,
            retain=config.retain,
            live_settings=live_settings(live),
        ),
    )


def make_cluster(config: CloudConfig, live: LiveStack = NOTHING) -> KubernetesCluster:
    """Make the Kubernetes of a stack, or take the one that is there."""
    name, wanted = "cluster", config.cluster
    if not isinstance(wanted, EksConfig):
        return ExistingCluster(name, wanted).cluster
    found = live_cluster(live, name, wanted.region)
    args = EksClusterArgs(wanted, config.tags, config.protect, config.retain, found)
    return EksCluster(name, args).cluster


def make_certificates(config: CloudConfig, cluster: KubernetesCluster) -> ClusterCertificates:
    """Make the namespace and the certificates that its control plane asks for."""
    own = isinstance(config.control_plane, OwnControlPlaneConfig)
    brought = config.control_plane
    there = brought if isinstance(brought, ExistingControlPlaneConfig) else None
    namespace = config.release.namespace
    return ClusterCertificates(
        "certificates",
        ClusterCertificatesArgs(
            cluster=cluster,
            namespace=namespace,
            control_plane_names=control_plane_names(namespace) if own else (),
            # Kong's chart meets the standard as well, but does not promise to.
            pod_security="baseline"
            if isinstance(config.control_plane, KonnectConfig)
            else "restricted",
            ca_pem=there.ca_pem if there else "",
            identity=there.identity if there else None,
        ),
    )


def admit_people(
    config: CloudConfig, cluster: KubernetesCluster, certificates: ClusterCertificates
) -> None:
    """Give rights to those whom the configuration names beside the administrators."""
    wanted = config.cluster
    if isinstance(wanted, EksConfig) and (wanted.viewer_arns or wanted.renewal_arns):
        ClusterPeople("people", ClusterPeopleArgs(wanted, cluster, certificates.namespace))


def make_listener_certificate(config: CloudConfig) -> pulumi.Output[str] | None:
    """Ask for the load balancer's certificate, where the configuration names its name's zone."""
    wanted = config.release
    if not wanted.certificate_zone or not isinstance(config.cluster, EksConfig):
        return None
    args = ListenerCertificateArgs(
        wanted.hostname, wanted.certificate_zone, config.cluster.region, dict(config.tags)
    )
    return ListenerCertificate("listener", args).arn


def make_control_plane(
    config: CloudConfig,
    cluster: KubernetesCluster,
    certificates: ClusterCertificates,
    live: LiveStack = NOTHING,
) -> tuple[ControlPlaneEndpoint, pulumi.Resource | None]:
    """Return the control plane, and the resource with which its configuration is gone."""
    wanted = config.control_plane
    if isinstance(wanted, KonnectConfig):
        identity = certificates.identity
        args = HostedControlPlaneArgs(wanted, identity, config.protect)
        konnect = HostedControlPlane("control-plane", args)
        return konnect.endpoint, konnect.control_plane
    if isinstance(wanted, ExistingControlPlaneConfig):
        return ExistingControlPlane("control-plane", wanted).endpoint, None
    own = ControlPlaneRelease(
        "control-plane",
        ControlPlaneReleaseArgs(
            config=wanted,
            cluster=cluster,
            certificates=certificates,
            image=image(config.release, konnect=False),
            log_level=config.log_level,
            compatibility_version=config.compatibility_version,
            retain=config.retain,
            claim_unmanaged=claim_unmanaged(live, "control-plane"),
        ),
    )
    return own.endpoint, own.release
