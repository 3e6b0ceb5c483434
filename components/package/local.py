# SPDX-License-Identifier: Apache-2.0
"""The gateway as processes on this machine, for programs of others.

They are those of the stack `local` and have its folder, `.state/local`: one of the two at a time.
"""

from typing import NotRequired, Required, TypedDict

import pulumi

from components.config.broker_settings import read_broker_config
from components.config.local import read_ports
from components.config.pods import MOST_WORKERS
from components.config.secret import secret
from components.config.stack import LOG_LEVELS, SLOTS, read_generations
from components.config.topics import read_topics
from components.endpoints import HybridIdentity
from components.local.certificates import LocalCertificates as _LocalCertificates
from components.local.control_plane import LocalControlPlane as _LocalControlPlane
from components.local.control_plane import LocalControlPlaneArgs
from components.local.data_plane import LocalDataPlane as _LocalDataPlane
from components.local.data_plane import LocalDataPlaneArgs
from components.local.kafka import LocalKafka as _LocalKafka
from components.local.kafka import LocalKafkaArgs
from components.package.arguments import ComponentArguments
from components.package.kafka import Topic
from components.package.wire import (
    ControlPlaneAccess,
    KafkaAccess,
    SideIdentity,
    control_plane_of,
    identity_of,
    kafka_access,
    kafka_of,
    value_after,
)
from gateway.settings.compatibility import OLDER

KAFKA_KEYS = {
    "topics": "topics",
    "api_key_slot": "apiKeySlot",
    "api_key_generations": "apiKeyGenerations",
    "broker_config": "brokerConfig",
    "kafka_port": "kafkaPort",
    "kafka_controller_port": "kafkaControllerPort",
}
CONTROL_PLANE_KEYS = {
    "admin_port": "adminPort",
    "cluster_port": "clusterPort",
    "control_plane_status_port": "controlPlaneStatusPort",
    "log_level": "logLevel",
}
DATA_PLANE_KEYS = {
    "proxy_port": "proxyPort",
    "proxy_tls_port": "proxyTlsPort",
    "status_port": "statusPort",
    "workers": "workers",
    "log_level": "logLevel",
}


class LocalCertificatesInputs(TypedDict, total=False):
    """There is nothing to say."""


class LocalCertificates(_LocalCertificates):
    """One authority, and the certificates for the broker and both sides of the hybrid protocol."""

    broker_identity: SideIdentity
    """For `LocalKafka`."""
    control_plane_identity: SideIdentity
    """For `LocalControlPlane`."""
    data_plane_identity: SideIdentity
    """For `LocalDataPlane`."""

    def __init__(
        self, name: str, args: LocalCertificatesInputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, opts)
        self.broker_identity = _identity(self.broker)
        self.control_plane_identity = _identity(self.control_plane)
        self.data_plane_identity = _identity(self.data_plane)


class LocalKafkaInputs(TypedDict, total=False):
    """The arguments; what is left out has the default of its key in docs/reference/config.md."""

    identity: Required[pulumi.Input[SideIdentity]]
    """The broker's certificate."""
    topics: Required[list[Topic]]
    """The topics, at least one."""
    api_key_slot: str
    """Which of the two API keys is in use, `a` or `b`."""
    api_key_generations: dict[str, int]
    """How often each key was made anew, by slot."""
    broker_config: dict[str, str]
    """Settings of the broker, by their names in Kafka."""
    kafka_port: int
    """Where clients connect."""
    kafka_controller_port: int
    """The port of the broker's own controller."""


class LocalKafka(_LocalKafka):
    """A KRaft broker on loopback, SASL_SSL with access rules, its topics and keys."""

    access: KafkaAccess
    """Where it is, and the keys for it: for `GatewayRoutes` and `LocalDataPlane`."""

    def __init__(
        self, name: str, args: LocalKafkaInputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        given = ComponentArguments(f"LocalKafka {name}", KAFKA_KEYS, args, platform="local")
        made = LocalKafkaArgs(
            ports=read_ports(given),
            identity=identity_of(args["identity"]),
            topics=read_topics(given),
            api_key_slot=given.choice("apiKeySlot", SLOTS),
            api_key_generations=read_generations(given),
            broker_config=read_broker_config(given),
        )
        given.done()
        super().__init__(name, made, opts)
        self.access = kafka_access(self.endpoint)


class LocalControlPlaneInputs(TypedDict, total=False):
    """The arguments; what is left out has the default of its key in docs/reference/config.md."""

    identity: Required[pulumi.Input[SideIdentity]]
    """The control plane's certificate."""
    admin_port: int
    """The port of the Admin API."""
    cluster_port: int
    """Where data planes connect."""
    control_plane_status_port: int
    """The port of its status API."""
    log_level: str
    """How much it logs."""


class LocalControlPlane(_LocalControlPlane):
    """Our control plane with its Admin API and the listener for data planes, both on loopback."""

    access: ControlPlaneAccess
    """For `GatewayRoutes` and `LocalDataPlane`."""

    def __init__(
        self, name: str, args: LocalControlPlaneInputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        given = ComponentArguments(f"LocalControlPlane {name}", CONTROL_PLANE_KEYS, args)
        ports, level = read_ports(given), given.choice("logLevel", LOG_LEVELS)
        given.done()
        identity = identity_of(args["identity"])
        super().__init__(name, LocalControlPlaneArgs(ports, identity, level, OLDER), opts)
        found = self.endpoint
        self.access = {
            "cluster": found.cluster,
            "serverName": found.cluster_server_name,
            "adminUrl": found.admin_url,
            "adminToken": secret(found.admin_token),
        }


class LocalDataPlaneInputs(TypedDict, total=False):
    """The arguments; what is left out has the default of its key in docs/reference/config.md."""

    identity: Required[pulumi.Input[SideIdentity]]
    """The data planes' certificate."""
    control_plane: Required[pulumi.Input[ControlPlaneAccess]]
    """Where the configuration comes from."""
    kafka: Required[pulumi.Input[KafkaAccess]]
    """Where records go, and the key for it."""
    release: NotRequired[pulumi.Input[int]]
    """The release of `GatewayRoutes`: a data plane is ready when it serves one."""
    proxy_port: int
    """Where clients connect."""
    proxy_tls_port: int
    """The same with TLS."""
    status_port: int
    """The port of its status API."""
    workers: int
    """How many processes serve requests; 0: as many as processors."""
    log_level: str
    """How much it logs."""


class LocalDataPlane(_LocalDataPlane):
    """Our data plane: a master with workers."""

    proxy_url: pulumi.Output[str]
    """Where clients go."""

    def __init__(
        self, name: str, args: LocalDataPlaneInputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        given = ComponentArguments(f"LocalDataPlane {name}", DATA_PLANE_KEYS, args)
        ports, level = read_ports(given), given.choice("logLevel", LOG_LEVELS)
        workers = given.integer("workers", 0, MOST_WORKERS)
        given.done()
        # Its files come after the release, and with them the process.
        kafka = value_after(args["kafka"], args.get("release"))
        made = LocalDataPlaneArgs(
            ports=ports,
            workers=workers,
            identity=identity_of(args["identity"]),
            control_plane=control_plane_of(args["control_plane"], None),
            kafka=kafka_of(kafka, own_authority=True, registry=False),
            log_level=level,
            compatibility_version=OLDER,
        )
        super().__init__(name, made, opts)


def _identity(found: HybridIdentity) -> SideIdentity:
    return {
        "certificatePem": found.certificate_pem,
        "privateKeyPem": secret(found.private_key_pem),
        "authorityPem": found.ca_pem,
    }
