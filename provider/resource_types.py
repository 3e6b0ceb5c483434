# SPDX-License-Identifier: Apache-2.0
"""The resource types, each declared once: token, inputs and outputs.

The arguments of the program's classes and the plugin's checks, defaults and secrets come from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gateway.names.addresses import server_problem, token_problem, topic_problem
from gateway.names.holds import hold_problem
from gateway.settings.compatibility import VERSIONS
from provider.declaration import OutputField, ResourceType
from provider.fields import anything, array, boolean, integer, mapping, record, text

if TYPE_CHECKING:
    from pulumi import Input

    Properties = Mapping[str, Input[Any]]
    Texts = Sequence[Input[str]]


def bootstrap_servers(value: Any) -> str:
    """``host:port`` texts joined by commas, from such a text or a list of {host, port}."""
    if isinstance(value, str):
        return value
    return ",".join(f"{server['host']}:{server.get('port', 9092)}" for server in value)


def _bootstrap_problem(value: Any) -> str | None:
    if not isinstance(value, str) and not (
        isinstance(value, list) and all(isinstance(i, dict) and "host" in i for i in value)
    ):
        return "should be host:port,… or a list of {host, port}"
    problems = (
        server_problem(server.strip())
        for server in bootstrap_servers(value).split(",")
        if server.strip()
    )
    return next((problem for problem in problems if problem), None)


CERTIFICATE_ALGORITHMS = ("ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-4096")
ACL_RESOURCES = ("topic", "group", "cluster", "transactional_id")
ACL_OPERATIONS = (
    "all", "alter", "alter_configs", "cluster_action", "create", "delete", "describe",
    "describe_configs", "idempotent_write", "read", "write",
)  # fmt: skip

_ADMIN = {
    "url": text(default=None, about="Address of the Admin API; none with `forward`."),
    "token": text(
        default=None, secret=True, problem=token_problem, about="What the Admin API asks for."
    ),
    "ca": text(default=None, about="Authority of an Admin API with TLS, PEM."),
    "kind": text(default="own", allowed=("own", "konnect"), about="Whose control plane it is."),
    "forward": record(
        {
            "kubeconfig": text(secret=True, about="How the cluster is reached."),
            "namespace": text(about="Where the pod is."),
            "pod": text(about="The control plane's pod."),
            "port": text(about="The port on its loopback."),
        },
        default=None,
        name="PortForward",
        about="The way to an Admin API inside a cluster.",
    ),
}
_SERVER = {
    "host": text(about="Name or address."),
    "port": integer(default=9092, minimum=1, maximum=65_535, about="TCP port."),
}
_KAFKA = {
    "bootstrapServers": anything(
        test=_bootstrap_problem, alternatives=(text(), array(record(_SERVER, name="Server")))
    ),
    "caPem": text(default=None, about="Authority of the brokers, PEM; none: the system's trust."),
    "user": text(default=None, about="User name or API key; none: no SASL, no TLS."),
    "password": text(default=None, secret=True, about="Password or API secret."),
    "mechanism": text(
        default="PLAIN", allowed=("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"), about="Of SASL."
    ),
}
_KONNECT = {
    "url": text(about="Address of Konnect's API."),
    "token": text(secret=True, problem=token_problem, about="Personal or system access token."),
}
_PORT = integer(minimum=1, maximum=65_535)
_READY = {
    "kind": text(allowed=("http", "tcp"), about="A 2xx at `url`, or connections to `port`."),
    "url": text(default=None, about="For http."),
    "host": text(default=None, about="For tcp; none: loopback."),
    "port": integer(default=None, minimum=1, maximum=65_535, about="For tcp."),
    "timeoutSeconds": integer(default=30, minimum=1, about="How long it may take."),
}
_SIGNER = {
    "certificatePem": text(about="Its certificate."),
    "privateKeyPem": text(secret=True, about="The key that signs."),
}


class ConfigurationType(ResourceType, token="gateway:index:Configuration"):
    """All entities of one owner, published as one release."""

    admin: Input[Properties] = record(_ADMIN, name="AdminApi")
    """Where to publish it. A plain value that is the default is the same as none."""
    owner: Input[str] = text()
    """Whose entities these are; those of other owners stay."""
    document: Input[Mapping[str, Any]] = mapping(anything(default=None))
    """The entities, keyed by their names."""
    message: Input[str] | None = text(default=None)
    """Stands beside the release, for people."""
    wait_seconds: Input[int] | None = integer(default=30, maximum=600)
    """How long the connected data planes have to confirm the release."""
    compatibility_version: Input[str] | None = text(default=None, allowed=VERSIONS)
    """The Kong whose defaults fill in what the document leaves out, as the control plane does."""

    release = OutputField(int)
    """The number of the release that holds the document."""
    hash = OutputField(str)
    """The hash that data planes confirm."""


class PublishedReleaseType(ResourceType, token="gateway:index:Release"):
    """A release of a control plane: what a hold has, published, or the newest one, waited for.

    Configurations publish releases of their own. This one is for what others write one by one: it
    publishes a hold once they are done, or names what the connected data planes serve by then.
    """

    admin: Input[Properties] = record(_ADMIN, name="AdminApi")
    """Whose release it is. A plain value that is the default is the same as none."""
    hold: Input[str] | None = text(default=None, problem=hold_problem)
    """The hold to publish as one release; none: the newest release as it is."""
    message: Input[str] | None = text(default=None)
    """Stands beside a release that is published, for people."""
    wait_seconds: Input[int] | None = integer(default=30, maximum=600)
    """How long the connected data planes have to confirm it."""
    triggers: Input[Properties] | None = mapping(anything(default=None), default={})
    """Any values; when they change, what is held by then is published, or the newest taken."""

    number = OutputField(int)
    """The number of the release."""
    hash = OutputField(str)
    """The hash that data planes confirm."""


class CredentialType(ResourceType, token="gateway:index:Credential"):
    """A random key and secret, kept until ``keepers`` change."""

    prefix: Input[str] | None = text(default="")
    """What the key begins with."""
    length: Input[int] | None = integer(default=32, minimum=16, maximum=256)
    """Characters of the secret."""
    keepers: Input[Properties] | None = mapping(anything(default=None), default={})
    """Any values; when they change, key and secret are made anew."""

    key = OutputField(str)
    """The public half: a user name, an API key."""
    secret = OutputField(str, secret=True)
    """The secret half."""


class ClusterCertificateType(ResourceType, token="gateway:index:ClusterCertificate"):
    """A key and its certificate, renewed within ``early_renewal_hours`` of its end."""

    kind: Input[str] = text(allowed=("ca", "server", "client"))
    """What it is for."""
    common_name: Input[str] = text()
    """The subject's CN."""
    dns_names: Input[Texts] | None = array(text(), default=[])
    """Names that a server is reached by."""
    ip_addresses: Input[Texts] | None = array(text(), default=[])
    """Addresses that a server is reached by."""
    validity_hours: Input[int] | None = integer(default=397 * 24, minimum=1)
    """How long it is valid."""
    early_renewal_hours: Input[int] | None = integer(default=30 * 24)
    """How long before its end an update renews it."""
    ca: Input[Properties] | None = record(_SIGNER, default=None, name="Signer")
    """Who signs it; an authority signs itself."""
    algorithm: Input[str] | None = text(default="ecdsa-p256", allowed=CERTIFICATE_ALGORITHMS)
    """Of the key."""

    certificate_pem = OutputField(str)
    """The certificate, PEM."""
    private_key_pem = OutputField(str, secret=True)
    """The certificate's key, PKCS #8."""
    not_after = OutputField(str)
    """When the certificate ends, in ISO 8601."""
    fingerprint = OutputField(str)
    """SHA-256 of the certificate in hexadecimal."""


class KafkaTopicType(ResourceType, token="gateway:kafka:Topic"):
    """A topic on any Kafka, through its admin protocol."""

    endpoint: Input[Properties] = record(_KAFKA, name="Endpoint", input_only=True)
    """Where Kafka is, and a user that may make topics."""
    name: Input[str] = text(problem=topic_problem)
    """The name on the cluster."""
    partitions: Input[int] | None = integer(default=1, minimum=1)
    """How many there are; more are added in place, fewer make another topic."""
    replication_factor: Input[int] | None = integer(default=1, minimum=1, maximum=32_767)
    """Brokers that hold each partition."""
    config: Input[Properties] | None = mapping(anything(default=None), default={})
    """Settings of the topic, by their names in Kafka; the brokers' defaults apply otherwise."""

    topic_name = OutputField(str, name="name")
    """The name on the cluster, once the topic is there."""


class KafkaAclType(ResourceType, token="gateway:kafka:Acl"):
    """One access rule on any Kafka, through its admin protocol."""

    endpoint: Input[Properties] = record(_KAFKA, name="Endpoint", input_only=True)
    """Where Kafka is, and a user that may change access rules."""
    principal: Input[str] = text()
    """Whom it is about, `User:<name>`."""
    resource_type: Input[str] = text(allowed=ACL_RESOURCES)
    """What kind of thing it is about."""
    resource_name: Input[str] = text()
    """The thing's name, `*` for all."""
    pattern_type: Input[str] | None = text(default="literal", allowed=("literal", "prefixed"))
    """Whether the name is the whole name or what it begins with."""
    operation: Input[str] = text(allowed=ACL_OPERATIONS)
    """What may be done; read, write, delete and alter include describe."""
    permission: Input[str] | None = text(default="allow", allowed=("allow", "deny"))
    """A denial wins over what is allowed."""
    host: Input[str] | None = text(default="*")
    """The address that it holds for, `*` for all."""


class ProcessType(ResourceType, token="gateway:local:Process"):
    """A detached, health-checked process on this machine; drained and restarted by edits.

    Files in ``reload_on`` are re-read on SIGHUP; an edit of anything else that the process sees
    restarts it.
    """

    name: Input[str] = text()
    """Of the process, and of its log."""
    directory: Input[str] = text()
    """Where it runs and has its files, an absolute path."""
    command: Input[Texts] = array(text())
    """The program and its arguments; no secrets, since every user sees them."""
    environment: Input[Mapping[str, Input[str]]] | None = mapping(text(default=""), default={})
    """Its variables, beside PATH, HOME and the like."""
    files: Input[Mapping[str, Input[str]]] | None = mapping(
        text(default="", secret=True), default={}
    )
    """Private files in its directory: name to content."""
    ports: Input[Mapping[str, Input[int]]] | None = mapping(_PORT, default={})
    """What it listens on, by any labels; taken ones are errors of the preview."""
    port_keys: Input[Mapping[str, Input[str]]] | None = mapping(text(default=""), default={})
    """By the same labels, the config key that changes the port."""
    ready: Input[Properties] | None = record(_READY, default=None, name="Readiness")
    """How to tell that it serves."""
    stop_timeout_seconds: Input[int] | None = integer(default=15, maximum=3600)
    """How long it may drain before it is killed."""
    reload_on: Input[Texts] | None = array(text(default=""), default=[])
    """Files that it re-reads on SIGHUP."""
    digest: Input[str] | None = text(default=None)
    """Stands for code that it runs: another one restarts it."""
    generation: Input[Any] | None = anything(default=None)
    """Any value; another one restarts it."""
    remove_directory: Input[bool] | None = boolean(default=False)
    """Whether its directory goes with it."""

    pid = OutputField(int)
    """Its process id, a new one after each restart."""
    log_file = OutputField(str)
    """Where its output goes."""
    running = OutputField(bool, recorded=boolean(default=True))
    """True once it is ready; known at preview, so use this to wait for it."""


class PrivateFilesType(ResourceType, token="gateway:local:Files"):
    """Private files of this machine, to be there before what depends on them.

    A process may name the same ones, and re-reads them when its own turn comes.
    """

    directory: Input[str] = text()
    """Where they are, an absolute path."""
    files: Input[Mapping[str, Input[str]]] = mapping(text(default="", secret=True))
    """Name to content."""


class KonnectControlPlaneType(ResourceType, token="gateway:konnect:ControlPlane"):
    """A control plane of Konnect and its endpoints."""

    api: Input[Properties] = record(_KONNECT, name="Api")
    """Konnect's API and a token for it."""
    name: Input[str] = text()
    """The name in Konnect."""
    description: Input[str] | None = text(default="")
    """For people."""
    auth_type: Input[str] | None = text(
        default="pinned_client_certs", allowed=("pinned_client_certs", "pki_client_certs")
    )
    """How data planes are known."""
    labels: Input[Mapping[str, Input[str]]] | None = mapping(text(default=""), default={})
    """Labels in Konnect."""

    control_plane_id = OutputField(str)
    """Its id in Konnect."""
    control_plane_endpoint = OutputField(str)
    """Where data planes get their configuration, a URL."""
    telemetry_endpoint = OutputField(str)
    """Where data planes send telemetry, a URL."""


class KonnectDataPlaneCertificateType(ResourceType, token="gateway:konnect:DataPlaneCertificate"):
    """A certificate that data planes may present to a control plane of Konnect."""

    api: Input[Properties] = record(_KONNECT, name="Api")
    """Konnect's API and a token for it."""
    control_plane_id: Input[str] = text()
    """The control plane's id."""
    certificate_pem: Input[str] = text()
    """The certificate, PEM."""
    title: Input[str] | None = text(default="kafka-gateway")
    """Its name in Konnect."""

    certificate_id = OutputField(str)
    """Its id in Konnect."""
