# SPDX-License-Identifier: Apache-2.0
"""What a stack in the cloud is made of: a Kafka, a Kubernetes, a control plane and a release.

Each of the first three is made by the stack or brought along ("existing").
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from components.config.reader import ConfigReader
from components.config.secret import Secret
from components.config.topics import TopicConfig, read_topics
from components.network_plan import NetworkPlanError, plan_network
from components.versions import KUBERNETES_VERSIONS

CLUSTER_TYPES = ("basic", "standard", "dedicated")
AVAILABILITIES = ("single-zone", "multi-zone")
CLOUDS = ("AWS", "GCP", "AZURE")
KONNECT_REGIONS = ("us", "eu", "au", "me", "in", "sg")
AWS_REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")
DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")
ARN_ROLE = re.compile(r"^arn:aws[a-z-]*:iam::\d{12}:(role|user)/.+$")
BOOTSTRAP = re.compile(r"^(?:SASL_SSL://)?([^:/,\s]+):(\d{1,5})$")


@dataclass(frozen=True)
class ConfluentConfig:
    """A Confluent Cloud cluster to make."""

    environment: str
    cluster_name: str
    cluster_type: str
    cloud: str
    region: str
    availability: str
    cku: int
    schema_registry: bool


@dataclass(frozen=True)
class ExistingKafkaConfig:
    """A Kafka cluster that is there already, with the keys for it."""

    bootstrap_servers: tuple[tuple[str, int], ...]
    api_key: str
    api_secret: Secret
    reader_key: str
    reader_secret: Secret
    ca_pem: str


@dataclass(frozen=True)
class EksConfig:
    """An EKS cluster to make."""

    name: str
    region: str
    version: str
    mode: str
    instance_type: str
    nodes: int
    max_nodes: int
    vpc_cidr: str
    zones: int
    nat_gateways: int
    public_endpoint: bool
    public_access_cidrs: tuple[str, ...]
    admin_arns: tuple[str, ...]


@dataclass(frozen=True)
class ExistingClusterConfig:
    """A Kubernetes cluster that is there already."""

    kubeconfig: Secret
    identifier: str


@dataclass(frozen=True)
class KonnectConfig:
    """A Konnect control plane to make."""

    token: Secret
    region: str
    name: str
    address: str
    """Where Konnect's API answers instead of the region's address."""


@dataclass(frozen=True)
class ExistingControlPlaneConfig:
    """A control plane that is there already: ours by its Admin API."""

    admin_url: str
    admin_token: Secret
    cluster: str
    server_name: str


@dataclass(frozen=True)
class OwnControlPlaneConfig:
    """Our control plane as a Helm release; without ``admin_url`` a port-forward reaches it."""

    admin_url: str


@dataclass(frozen=True)
class ReleaseConfig:
    """The data plane's Helm release."""

    namespace: str
    image_repository: str
    image_tag: str
    image_digest: str
    replicas: int
    max_replicas: int
    hostname: str
    certificate_arn: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class CloudConfig:
    """A stack in the cloud."""

    stack: str
    topics: tuple[TopicConfig, ...]
    routes: str
    api_key_slot: str
    api_key_generations: Mapping[str, int]
    protect: bool
    retain: bool
    tags: Mapping[str, str]
    log_level: str
    kafka: ConfluentConfig | ExistingKafkaConfig
    cluster: EksConfig | ExistingClusterConfig
    control_plane: KonnectConfig | ExistingControlPlaneConfig | OwnControlPlaneConfig
    release: ReleaseConfig


def read_cloud(reader: ConfigReader) -> CloudConfig:
    """Take a cloud stack's values; raises ``ConfigError`` with every problem."""
    from components.config.local import LOG_LEVELS, SLOTS, read_generations

    control_plane = _control_plane(reader)
    config = CloudConfig(
        stack=reader.stack,
        topics=read_topics(reader),
        routes=reader.text("routes") or f"stacks/gateway/{reader.stack}.yaml",
        api_key_slot=reader.choice("apiKeySlot", SLOTS, "a"),
        api_key_generations=read_generations(reader),
        protect=reader.boolean("protect"),
        retain=reader.boolean("retain"),
        tags={"stack": reader.stack, **_texts(reader, "tags")},
        log_level=reader.choice("logLevel", LOG_LEVELS, "notice"),
        kafka=_kafka(reader),
        cluster=_cluster(reader),
        control_plane=control_plane,
        release=_release(reader, konnect=isinstance(control_plane, KonnectConfig)),
    )
    reader.done()
    return config


def _needed(reader: ConfigReader, key: str, why: str) -> str:
    value = reader.text(key)
    if not value:
        reader.problem(key, f"missing; {why}")
    return value


def _secret(reader: ConfigReader, key: str, why: str) -> Secret:
    hint = f"set it with `pulumi config set --secret {key}`"
    return Secret(_needed(reader, key, f"{why}: {hint}"))


def _texts(reader: ConfigReader, key: str) -> Mapping[str, str]:
    given = reader.structure(key, {})
    for name, value in given.items():
        if not isinstance(value, str):
            reader.problem(f"{key}.{name}", f"{value!r} is not a text")
    return {name: str(value) for name, value in sorted(given.items())}


def _list(reader: ConfigReader, key: str) -> tuple[str, ...]:
    return tuple(str(item) for item in reader.structure(key, []))


# --- Kafka ------------------------------------------------------------------------------------


def _kafka(reader: ConfigReader) -> ConfluentConfig | ExistingKafkaConfig:
    if reader.choice("kafka", ("confluent", "existing"), "confluent") == "existing":
        return _existing_kafka(reader)
    kind = reader.choice("confluentClusterType", CLUSTER_TYPES, "basic")
    availability = reader.choice("confluentAvailability", AVAILABILITIES, "single-zone")
    if kind == "basic" and availability == "multi-zone":
        reader.problem(
            "confluentAvailability",
            "'multi-zone' does not exist for type basic; allowed: single-zone, or another "
            "confluentClusterType (standard, dedicated)",
        )
    cku = reader.integer("confluentCku", 0, 152, 0)
    if kind == "dedicated" and cku < (2 if availability == "multi-zone" else 1):
        least = 2 if availability == "multi-zone" else 1
        reader.problem("confluentCku", f"{cku} is too few for a dedicated cluster; from {least}")
    if kind != "dedicated" and cku:
        reader.problem("confluentCku", f"{cku} is only for confluentClusterType dedicated")
    cloud = reader.choice("confluentCloud", CLOUDS, "AWS")
    region = reader.text("confluentRegion", "us-east-2")
    if cloud == "AWS" and not AWS_REGION.match(region):
        reader.problem("confluentRegion", f"{region!r} is no AWS region such as us-east-2")
    return ConfluentConfig(
        environment=reader.text("confluentEnvironment", "default"),
        cluster_name=reader.text("confluentClusterName", "cluster_0"),
        cluster_type=kind,
        cloud=cloud,
        region=region,
        availability=availability,
        cku=cku,
        schema_registry=reader.boolean("schemaRegistry"),
    )


def _existing_kafka(reader: ConfigReader) -> ExistingKafkaConfig:
    why = "an existing Kafka is reached with it"
    servers = []
    for item in _needed(reader, "kafkaBootstrapServers", why).split(","):
        found = BOOTSTRAP.match(item.strip())
        if found is None or not 1 <= int(found.group(2)) <= 65535:
            reader.problem("kafkaBootstrapServers", f"{item.strip()!r} is not host:port")
            continue
        servers.append((found.group(1), int(found.group(2))))
    return ExistingKafkaConfig(
        bootstrap_servers=tuple(servers),
        api_key=_needed(reader, "kafkaApiKey", why),
        api_secret=_secret(reader, "kafkaApiSecret", why),
        reader_key=reader.text("kafkaReaderKey"),
        reader_secret=Secret(reader.text("kafkaReaderSecret")),
        ca_pem=reader.text("kafkaCaPem"),
    )


# --- Kubernetes -------------------------------------------------------------------------------


def _cluster(reader: ConfigReader) -> EksConfig | ExistingClusterConfig:
    if reader.choice("cluster", ("eks", "existing"), "eks") == "existing":
        kubeconfig = _secret(reader, "kubeconfig", "an existing cluster is reached with it")
        return ExistingClusterConfig(kubeconfig, reader.text("clusterIdentifier"))
    region = reader.text("clusterRegion", "us-west-1")
    if not AWS_REGION.match(region):
        reader.problem("clusterRegion", f"{region!r} is no AWS region such as us-west-1")
    nodes = reader.integer("nodes", 1, 450, 1)
    most = reader.integer("maxNodes", 0, 450, 0) or nodes
    if most < nodes:
        reader.problem("maxNodes", f"{most} is less than nodes, {nodes}")
    public = reader.boolean("publicEndpoint", default=True)
    zones = reader.integer("zones", 2, 6, 2)
    gateways = reader.integer("natGateways", 1, 6, 1)
    if gateways > zones:
        reader.problem("natGateways", f"{gateways} is more than zones, {zones}")
    return EksConfig(
        name=reader.text("clusterName", "konnect-dataplane"),
        region=region,
        version=reader.choice("kubernetesVersion", tuple(KUBERNETES_VERSIONS)),
        mode=reader.choice("clusterMode", ("nodegroup", "auto"), "nodegroup"),
        instance_type=reader.text("nodeType", "t3.large"),
        nodes=nodes,
        max_nodes=most,
        vpc_cidr=_vpc(reader, zones),
        zones=zones,
        nat_gateways=gateways,
        public_endpoint=public,
        public_access_cidrs=tuple(
            _network(reader, "publicAccessCidrs", cidr)
            for cidr in _list(reader, "publicAccessCidrs")
        ),
        admin_arns=_arns(reader),
    )


def _vpc(reader: ConfigReader, zones: int) -> str:
    text = reader.text("vpcCidr", "10.0.0.0/16")
    try:
        return plan_network(text, zones).vpc_cidr
    except NetworkPlanError as error:
        key, _, problem = str(error).partition(": ")
        reader.problem(key, problem)
        return text


def _network(reader: ConfigReader, key: str, text: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError:
        reader.problem(key, f"{text!r} is no IPv4 network such as 10.0.0.0/16")
        return "10.0.0.0/16"


def _arns(reader: ConfigReader) -> tuple[str, ...]:
    arns = _list(reader, "adminArns")
    for arn in arns:
        if not ARN_ROLE.match(arn):
            reader.problem("adminArns", f"{arn!r} is not the ARN of an IAM role or user")
    return arns


# --- the control plane ------------------------------------------------------------------------


def _control_plane(
    reader: ConfigReader,
) -> KonnectConfig | ExistingControlPlaneConfig | OwnControlPlaneConfig:
    kind = reader.choice("controlPlane", ("own", "konnect", "existing"), "own")
    cluster, server_name = reader.text("clusterControlPlane"), reader.text("clusterServerName")
    if server_name and not cluster:
        reader.problem(
            "clusterServerName",
            f"{server_name!r} without clusterControlPlane; set both, with controlPlane existing",
        )
    if cluster and kind != "existing":
        reader.problem("clusterControlPlane", "only used with controlPlane existing")
    if kind == "konnect":
        return KonnectConfig(
            token=_secret(reader, "konnectToken", "Konnect is called with it"),
            region=reader.choice("konnectRegion", KONNECT_REGIONS, "us"),
            name=reader.text("konnectName") or f"kafka-gateway-{reader.stack}",
            address=_url(reader, reader.text("konnectAddress"), "konnectAddress"),
        )
    if kind == "existing":
        why = "an existing control plane is reached with it"
        if cluster and not BOOTSTRAP.match(cluster):
            reader.problem("clusterControlPlane", f"{cluster!r} is not host:port")
        return ExistingControlPlaneConfig(
            admin_url=_url(reader, _needed(reader, "adminUrl", why)),
            admin_token=_secret(reader, "adminToken", why),
            cluster=_needed(reader, "clusterControlPlane", why),
            server_name=server_name or cluster.partition(":")[0],
        )
    return OwnControlPlaneConfig(admin_url=_url(reader, reader.text("adminUrl")))


def _url(reader: ConfigReader, url: str, key: str = "adminUrl") -> str:
    if url and not re.match(r"^https?://[^/\s]+/?$", url):
        reader.problem(key, f"{url!r} is no address such as https://admin.example.com")
    return url.rstrip("/")


# --- the data plane ---------------------------------------------------------------------------


def _release(reader: ConfigReader, *, konnect: bool) -> ReleaseConfig:
    digest = reader.text("imageDigest")
    if not konnect and not digest:
        reader.problem(
            "imageDigest", "missing; our image is only deployed by digest: sha256:<64 hex digits>"
        )
    elif digest and not DIGEST.match(digest):
        reader.problem("imageDigest", f"{digest!r} is not sha256: and 64 hex digits")
    replicas = reader.integer("replicas", 1, 1000, 1)
    most = reader.integer("maxReplicas", 0, 1000, 0) or replicas
    if most < replicas:
        reader.problem("maxReplicas", f"{most} is less than replicas, {replicas}")
    return ReleaseConfig(
        namespace=reader.text("namespace", "kong-dp"),
        image_repository=reader.text("imageRepository")
        or ("kong/kong-gateway" if konnect else "ghcr.io/kafka-gateway/kafka-gateway"),
        image_tag=reader.text("imageTag"),
        image_digest=digest,
        replicas=replicas,
        max_replicas=most,
        hostname=reader.text("hostname"),
        certificate_arn=reader.text("certificateArn"),
        environment=_texts(reader, "environment"),
    )
