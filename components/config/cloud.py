# SPDX-License-Identifier: Apache-2.0
"""What a stack in the cloud is made of: a Kafka, a Kubernetes, a control plane and a release.

Each of the first three is made by the stack or brought along ("existing").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from components.config.control_plane import (
    ExistingControlPlaneConfig,
    KonnectConfig,
    OwnControlPlaneConfig,
    read_control_plane,
)
from components.config.environment import read_environment
from components.config.kubernetes import (
    EksConfig,
    ExistingClusterConfig,
    read_cluster,
)
from components.config.pem import read_authority
from components.config.pods import PodConfig, read_data_plane_pods
from components.config.reader import ConfigReader, default_text
from components.config.regions import region_problem
from components.config.secret import Secret
from components.config.stack import StackConfig, read_stack
from gateway.names.addresses import split_server

CLUSTER_TYPES = ("basic", "standard", "dedicated")
AVAILABILITIES = ("single-zone", "multi-zone")
CLOUDS = ("AWS", "GCP", "AZURE")
CONFLUENT_US_REGIONS = ("us-east-1", "us-east-2", "us-west-2")
"""With every cluster type (docs.confluent.io, "Cloud Providers and Regions for Confluent Cloud").

Elsewhere Confluent's provider decides: its list grows, and is not copied here. These three suffice
to catch the region of the Kubernetes cluster, us-west-1, given for Kafka too.
"""
NAMESPACE = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
HOSTNAME = re.compile(
    r"^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])$"
)
OWN_TAGS = {"Name": "each resource's", "project": "the project's", "stack": "the stack's"}
MOST_TAGS = 40
"""Of the 50 that AWS takes: some are the program's, some Kubernetes'."""
TAG_TEXT = re.compile(r"[\w .:/=+@-]+")
CERTIFICATE_ARN = re.compile(
    r"^arn:aws:acm:(?P<region>[a-z0-9-]+):\d{12}:certificate/[0-9a-f-]{36}$"
)
ZONE = re.compile(r"^Z[A-Z0-9]{7,31}$")
DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")


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
class ReleaseConfig:
    """The data plane's Helm release."""

    namespace: str
    image_repository: str
    image_tag: str
    image_digest: str
    replicas: int
    max_replicas: int
    pods: PodConfig
    hostname: str
    certificate_arn: str
    certificate_zone: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class CloudConfig(StackConfig):
    """A stack in the cloud."""

    protect: bool
    retain: bool
    tags: Mapping[str, str]
    kafka: ConfluentConfig | ExistingKafkaConfig
    cluster: EksConfig | ExistingClusterConfig
    control_plane: KonnectConfig | ExistingControlPlaneConfig | OwnControlPlaneConfig
    release: ReleaseConfig

    @property
    def has_registry(self) -> bool:
        """Whether the environment that is made has a schema registry."""
        return isinstance(self.kafka, ConfluentConfig) and self.kafka.schema_registry

    @property
    def makes_topics(self) -> bool:
        """A Kafka that was brought along has topics that the stack does not know."""
        return not isinstance(self.kafka, ExistingKafkaConfig)


def read_cloud(reader: ConfigReader) -> CloudConfig:
    """Take a cloud stack's values; raises ``ConfigError`` with every problem."""
    control_plane = read_control_plane(reader)
    config = CloudConfig(
        **vars(read_stack(reader)),
        protect=reader.boolean("protect"),
        retain=reader.boolean("retain"),
        tags={"stack": reader.stack, **read_tags(reader)},
        kafka=_kafka(reader),
        cluster=read_cluster(reader),
        control_plane=control_plane,
        release=read_release(reader, konnect=isinstance(control_plane, KonnectConfig)),
    )
    _check_name(reader, config)
    reader.done()
    return config


def read_tags(reader: ConfigReader) -> Mapping[str, str]:
    """Return the user's tags; one that the program sets itself would not be seen anywhere.

    AWS general reference, "Tag naming limits and requirements".
    """
    given = reader.texts("tags")
    for name, value in given.items():
        if name in OWN_TAGS:
            own = OWN_TAGS[name]
            reader.problem(f"tags.{name}", f"set by the program, to {own} name; use another tag")
        elif name.lower().startswith(("aws:", "kubernetes.io/", "k8s.io/", "eks:")):
            reader.problem(f"tags.{name}", "a name that AWS or Kubernetes keeps for itself")
        elif not TAG_TEXT.fullmatch(name) or len(name) > 128:
            reader.problem(f"tags.{name}", "no tag: 1 to 128 letters, digits, spaces and _.:/=+-@")
        elif value and (not TAG_TEXT.fullmatch(value) or len(value) > 256):
            reader.problem(f"tags.{name}", f"{value!r} has more than letters, digits and _.:/=+-@")
    if len(given) > MOST_TAGS:
        reader.problem("tags", f"{len(given)} are more than {MOST_TAGS}")
    return given


def _check_name(reader: ConfigReader, config: CloudConfig) -> None:
    """API keys cross what clients connect to; a load balancer takes certificates of its region."""
    release, cluster = config.release, config.cluster
    if release.hostname and not (release.certificate_arn or release.certificate_zone):
        reader.problem(
            "hostname",
            f"{release.hostname!r} without a certificate: clients would send API keys in clear; "
            "set certificateArn, or certificateZone to have one made",
        )
    if release.certificate_zone:
        if release.certificate_arn:
            reader.problem(
                "certificateZone", "beside certificateArn; set one of the two", harmless=True
            )
        if not release.hostname:
            reader.problem(
                "certificateZone", "without hostname; set the name to certify", harmless=True
            )
        if not isinstance(cluster, EksConfig):
            reader.problem("certificateZone", "only used with cluster eks", harmless=True)
    known = CERTIFICATE_ARN.match(release.certificate_arn)
    region = known["region"] if known else ""
    if region and isinstance(cluster, EksConfig) and region != cluster.region:
        reader.problem(
            "certificateArn",
            f"a certificate of {region}, and the load balancer is in {cluster.region}; "
            "ask ACM for one there",
        )


# --- Kafka ------------------------------------------------------------------------------------


def _kafka(reader: ConfigReader) -> ConfluentConfig | ExistingKafkaConfig:
    if reader.choice("kafka", ("confluent", "existing")) == "existing":
        return _existing_kafka(reader)
    return read_confluent(reader)


def read_confluent(reader: ConfigReader) -> ConfluentConfig:
    """Take the values of a cluster on Confluent Cloud; problems are the reader's to raise."""
    kind = reader.choice("confluentClusterType", CLUSTER_TYPES)
    availability = reader.choice("confluentAvailability", AVAILABILITIES)
    if kind == "basic" and availability == "multi-zone":
        reader.problem(
            "confluentAvailability",
            "'multi-zone' does not exist for type basic; allowed: single-zone, or another "
            "confluentClusterType (standard, dedicated)",
        )
    cku = reader.integer("confluentCku", 0, 152)
    if kind == "dedicated" and cku < (2 if availability == "multi-zone" else 1):
        least = 2 if availability == "multi-zone" else 1
        reader.problem("confluentCku", f"{cku} is too few for a dedicated cluster; from {least}")
    if kind != "dedicated" and cku:
        reader.problem("confluentCku", f"{cku} is only for confluentClusterType dedicated")
    cloud = reader.choice("confluentCloud", CLOUDS)
    region = reader.text("confluentRegion")
    if problem := region_problem(cloud, region):
        reader.problem("confluentRegion", problem)
    elif cloud == "AWS":
        _check_aws_region(reader, region)
    return ConfluentConfig(
        environment=reader.text("confluentEnvironment"),
        cluster_name=reader.text("confluentClusterName"),
        cluster_type=kind,
        cloud=cloud,
        region=region,
        availability=availability,
        cku=cku,
        schema_registry=reader.boolean("schemaRegistry"),
    )


def _check_aws_region(reader: ConfigReader, region: str) -> None:
    if re.match(r"us-(east|west)-", region) and region not in CONFLUENT_US_REGIONS:
        allowed = ", ".join(CONFLUENT_US_REGIONS)
        reader.problem(
            "confluentRegion",
            f"{region!r} has no Confluent clusters; allowed in the United States: {allowed}",
        )


def _existing_kafka(reader: ConfigReader) -> ExistingKafkaConfig:
    why = "an existing Kafka is reached with it"
    servers = []
    for item in reader.needed("kafkaBootstrapServers", why).split(","):
        try:
            # Confluent shows its own addresses with the scheme in front.
            servers.append(split_server(item.strip(), scheme="SASL_SSL"))
        except ValueError as error:
            reader.problem("kafkaBootstrapServers", str(error))
    return ExistingKafkaConfig(
        bootstrap_servers=tuple(servers),
        api_key=reader.needed("kafkaApiKey", why),
        api_secret=reader.secret("kafkaApiSecret", why),
        reader_key=reader.text("kafkaReaderKey"),
        reader_secret=Secret(reader.text("kafkaReaderSecret")),
        ca_pem=read_authority(reader, "kafkaCaPem"),
    )


# --- the data plane ---------------------------------------------------------------------------


def read_release(reader: ConfigReader, *, konnect: bool) -> ReleaseConfig:
    """Take the data plane's values; problems are the reader's to raise."""
    digest = reader.text("imageDigest")
    if not konnect and not digest:
        reader.problem(
            "imageDigest", "missing; our image is only deployed by digest: sha256:<64 hex digits>"
        )
    elif digest and not DIGEST.match(digest):
        reader.problem("imageDigest", f"{digest!r} is not sha256: and 64 hex digits")
    replicas = reader.integer("replicas", 1, 1000)
    most = reader.integer("maxReplicas", 0, 1000) or replicas
    if most < replicas:
        reader.problem("maxReplicas", f"{most} is less than replicas, {replicas}")
    return ReleaseConfig(
        namespace=read_namespace(reader),
        image_repository=reader.text("imageRepository")
        or ("kong/kong-gateway" if konnect else "ghcr.io/kafka-gateway/kafka-gateway"),
        image_tag=reader.text("imageTag"),
        image_digest=digest,
        replicas=replicas,
        max_replicas=most,
        pods=read_data_plane_pods(reader, konnect=konnect),
        hostname=_text_like(
            reader, "hostname", HOSTNAME, "a name such as gateway.example.com, without a scheme"
        ),
        certificate_arn=_text_like(
            reader,
            "certificateArn",
            CERTIFICATE_ARN,
            "the ARN of a certificate: arn:aws:acm:<region>:<account>:certificate/<id>",
        ),
        certificate_zone=_text_like(
            reader,
            "certificateZone",
            ZONE,
            "the id of a Route 53 zone such as Z0123456789ABCDEFGHIJ",
        ),
        environment=read_environment(reader, konnect=konnect),
    )


def read_namespace(reader: ConfigReader) -> str:
    """Take the namespace that all of the gateway is in."""
    what = "a name of lower-case letters, digits and hyphens"
    return _text_like(reader, "namespace", NAMESPACE, what)


def _text_like(reader: ConfigReader, key: str, pattern: re.Pattern[str], what: str) -> str:
    """Take a text of ``pattern``, or an empty one where that is the default."""
    text = reader.text(key)
    if not pattern.match(text) and not (text == "" == default_text(key)):
        reader.problem(key, f"{text!r} is not {what}")
    return text
