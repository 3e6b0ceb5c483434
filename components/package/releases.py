# SPDX-License-Identifier: Apache-2.0
"""The gateway in a cluster, and its routes, for programs of others."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Required, TypedDict

import pulumi

from components.cloud.control_plane import ControlPlaneRelease as _ControlPlaneRelease
from components.cloud.control_plane import ControlPlaneReleaseArgs
from components.cloud.data_plane import DataPlaneRelease as _DataPlaneRelease
from components.cloud.data_plane import DataPlaneReleaseArgs, image
from components.config.cloud import read_release
from components.config.control_plane import OwnControlPlaneConfig, read_control_plane
from components.config.secret import secret
from components.config.stack import LOG_LEVELS, StackConfig
from components.config.topics import TopicConfig
from components.package.arguments import ComponentArguments
from components.package.wire import (
    ClusterLoadBalancer,
    ControlPlaneAccess,
    DataPlaneIdentity,
    KafkaAccess,
    Wired,
    certificates_of,
    cluster_of,
    control_plane_of,
    kafka_of,
    value_after,
)
from components.routes import GatewayRoutes as _GatewayRoutes
from components.routes import GatewayRoutesArgs, check_routes
from gateway.settings.compatibility import OLDER, VERSIONS

IMAGE = {
    "image_repository": "imageRepository",
    "image_tag": "imageTag",
    "image_digest": "imageDigest",
}
CONTROL_PLANE_KEYS = {
    **IMAGE,
    "namespace": "namespace",
    "keyring_generation": "keyringGeneration",
    "log_level": "logLevel",
    "retain": "retain",
}
DATA_PLANE_KEYS = {
    **IMAGE,
    "namespace": "namespace",
    "replicas": "replicas",
    "max_replicas": "maxReplicas",
    "hostname": "hostname",
    "certificate_arn": "certificateArn",
    "environment": "environment",
    "log_level": "logLevel",
}


class ControlPlaneReleaseInputs(TypedDict, total=False):
    """The arguments; what is left out has the default of its key in docs/reference/config.md."""

    kubeconfig: Required[pulumi.Input[str]]
    """The cluster."""
    cluster_identifier: pulumi.Input[str]
    """Another one is another cluster; none: another kubeconfig is."""
    certificates: Required[pulumi.Input[DataPlaneIdentity]]
    """Those of `ClusterCertificates` in this namespace."""
    namespace: Required[str]
    """The namespace, which `ClusterCertificates` makes."""
    image_repository: str
    """Where the image is."""
    image_tag: str
    """Its tag, for people."""
    image_digest: Required[str]
    """`sha256:` and 64 hexadecimal digits."""
    log_level: str
    """How much it logs."""
    storage_class: str
    """The class of its volume; none: the cluster's own default."""
    keyring_generation: int
    """How many keys its database was encrypted with so far."""
    retain: bool
    """Whether its volume stays when the component goes."""


class ControlPlaneRelease(_ControlPlaneRelease):
    """Our control plane as a Helm release; a port-forward reaches its Admin API."""

    control_plane: ControlPlaneAccess
    """For `GatewayRoutes` and `DataPlaneRelease`."""

    def __init__(
        self, name: str, args: ControlPlaneReleaseInputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        label = f"ControlPlaneRelease {name}"
        given = ComponentArguments(label, CONTROL_PLANE_KEYS, args, controlPlane="own")
        config, deployed = read_control_plane(given), read_release(given, konnect=False)
        level, retain = given.choice("logLevel", LOG_LEVELS), given.boolean("retain")
        given.done()
        assert isinstance(config, OwnControlPlaneConfig), "as `controlPlane` says"
        cluster = cluster_of(name, args, args["certificates"])
        made = ControlPlaneReleaseArgs(
            config=config,
            cluster=cluster,
            certificates=certificates_of(args["certificates"], deployed.namespace, cluster),
            image=image(deployed, konnect=False),
            log_level=level,
            compatibility_version=OLDER,
            retain=retain,
            claim_unmanaged=False,
        )
        super().__init__(name, made, opts)
        found = self.endpoint
        assert found.forward is not None, "without an address"
        self.control_plane = {
            "cluster": found.cluster,
            "serverName": found.cluster_server_name,
            "adminToken": secret(found.admin_token),
            "forwardNamespace": found.forward["namespace"],
            "forwardPod": found.forward["pod"],
            "forwardPort": found.forward["port"],
        }


class DataPlaneReleaseInputs(TypedDict, total=False):
    """The arguments; what is left out has the default of its key in docs/reference/config.md."""

    kubeconfig: Required[pulumi.Input[str]]
    """The cluster."""
    cluster_identifier: pulumi.Input[str]
    """Another one is another cluster; none: another kubeconfig is."""
    certificates: Required[pulumi.Input[DataPlaneIdentity]]
    """Those of `ClusterCertificates` in this namespace."""
    namespace: Required[str]
    """The namespace, which `ClusterCertificates` makes."""
    image_repository: str
    """Where the image is."""
    image_tag: str
    """Its tag, for people."""
    image_digest: Required[str]
    """`sha256:` and 64 hexadecimal digits."""
    log_level: str
    """How much it logs."""
    load_balancer: ClusterLoadBalancer
    """What the cluster's load balancers are like."""
    control_plane: Required[pulumi.Input[ControlPlaneAccess]]
    """Where the configuration comes from."""
    kafka: Required[pulumi.Input[KafkaAccess]]
    """Where records go, and the key for it."""
    kafka_authority: bool
    """Whether `kafka` has an authority of its own, `caPem`."""
    schema_registry: bool
    """Whether `kafka` has a schema registry."""
    release: pulumi.Input[int]
    """The release of `GatewayRoutes`: a data plane is ready when it serves one."""
    replicas: int
    """How many pods there are."""
    max_replicas: int
    """The most that there may be; 0: as many as `replicas`."""
    hostname: str
    """The name of the load balancer, for clients."""
    certificate_arn: str
    """The load balancer's certificate."""
    environment: dict[str, str]
    """Further variables of the pods."""


class DataPlaneRelease(_DataPlaneRelease):
    """Data planes as a Helm release behind a load balancer, with the secret of their Kafka key."""

    proxy_url: pulumi.Output[str]
    """Where clients go; empty while the load balancer has no address."""

    def __init__(
        self, name: str, args: DataPlaneReleaseInputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        given = ComponentArguments(f"DataPlaneRelease {name}", DATA_PLANE_KEYS, args)
        config = read_release(given, konnect=False)
        level = given.choice("logLevel", LOG_LEVELS)
        given.done()
        before = [args["certificates"], args.get("release")]
        cluster = cluster_of(name, args, pulumi.Output.from_input(before))
        made = DataPlaneReleaseArgs(
            config=config,
            cluster=cluster,
            certificates=certificates_of(args["certificates"], config.namespace, cluster),
            control_plane=control_plane_of(args["control_plane"], None),
            kafka=kafka_of(
                args["kafka"],
                own_authority=bool(args.get("kafka_authority")),
                registry=bool(args.get("schema_registry")),
            ),
            konnect=False,
            log_level=level,
            compatibility_version=OLDER,
        )
        super().__init__(name, made, opts)


@dataclass(frozen=True)
class _RoutesConfig(StackConfig):
    registry: bool

    @property
    def has_registry(self) -> bool:
        return self.registry

    @property
    def makes_topics(self) -> bool:
        return bool(self.topics)


class GatewayRoutesInputs(TypedDict, total=False):
    """The arguments."""

    routes: Required[str]
    """A file in decK's format, relative to the program."""
    stack: str
    """Publishes as `stack-<name>`; the stack's own name by default."""
    control_plane: Required[pulumi.Input[ControlPlaneAccess]]
    """Where to publish it."""
    kubeconfig: pulumi.Input[str]
    """The cluster of a control plane that a port-forward reaches."""
    kafka: Required[pulumi.Input[KafkaAccess]]
    """What `${kafka.bootstrap_servers}` stands for."""
    topics: list[str]
    """The topics that `${kafka.topics.NAME}` may name; routes that write to others are refused."""
    schema_registry: bool
    """Whether `kafka` has a schema registry."""
    compatibility_version: str
    """The Kong whose defaults fill in what the file leaves out."""


class GatewayRoutes(_GatewayRoutes):
    """All entities of a routes file, checked before anything is made, and published as a whole."""

    release: pulumi.Output[int]
    """The number of the release that holds them."""
    hash: pulumi.Output[str]
    """The hash that data planes confirm."""

    def __init__(
        self, name: str, args: GatewayRoutesInputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        version = args.get("compatibility_version") or OLDER
        if version not in VERSIONS:
            raise pulumi.RunError(
                f"GatewayRoutes {name} cannot be made:\n  compatibilityVersion: {version!r} is "
                f"not one of {', '.join(VERSIONS)}"
            )
        topics = tuple(TopicConfig(topic) for topic in args.get("topics") or ())
        config = _RoutesConfig(
            stack=args.get("stack") or pulumi.get_stack(),
            topics=topics,
            # A plugin runs where the program is.
            routes=str(Path.cwd() / args["routes"]),
            api_key_slot="a",
            api_key_generations={},
            log_level=LOG_LEVELS[0],
            compatibility_version=version,
            secrets={},
            registry=bool(args.get("schema_registry")),
        )
        check_routes(config)
        kafka = kafka_of(args["kafka"], own_authority=False, registry=config.registry)
        servers = Wired(args["kafka"]).text("bootstrapServers")
        named = {one.name: value_after(one.name, servers) for one in topics}
        made = GatewayRoutesArgs(
            config,
            control_plane_of(args["control_plane"], args.get("kubeconfig")),
            replace(kafka, topics=named),
        )
        super().__init__(name, made, opts)
        self.release, self.hash = self.configuration.release, self.configuration.hash
