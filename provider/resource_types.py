# SPDX-License-Identifier: Apache-2.0
"""The resource types, each declared once: token, inputs and outputs.

The arguments of the program's classes and the plugin's checks, defaults and secrets come from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gateway.names.addresses import server_problem, topic_problem
from gateway.settings.compatibility import VERSIONS
from provider.declaration import OutputField, ResourceType
from provider.fields import Field, anything, array, boolean, integer, mapping, record, text

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
    "url": text(default=None),
    "token": text(default=None, secret=True),
    "ca": text(default=None),
    "kind": text(default="own", allowed=("own", "konnect")),
    "forward": record(
        {
            "kubeconfig": text(secret=True),
            "namespace": text(),
            "pod": text(),
            "port": text(),
        },
        default=None,
    ),
}
_KAFKA = {
    "bootstrapServers": Field(_bootstrap_problem),
    "caPem": text(default=None),
    "user": text(default=None),
    "password": text(default=None, secret=True),
    "mechanism": text(default="PLAIN", allowed=("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")),
}
_KONNECT = {"url": text(), "token": text(secret=True)}
_PORT = integer(minimum=1, maximum=65_535)
_READY = {
    "kind": text(allowed=("http", "tcp")),
    "url": text(default=None),
    "host": text(default=None),
    "port": integer(default=None, minimum=1, maximum=65_535),
    "timeoutSeconds": integer(default=30, minimum=1),
}


class ConfigurationType(ResourceType, token="gateway:index:Configuration"):
    """All entities of one owner, published as one release; the document is keyed by names.

    ``admin`` is {url, token, ca?, kind?}, or {token, forward} for an Admin API inside a cluster:
    {kubeconfig, namespace, pod, port}. A plain value that is the default is the same as none.
    """

    admin: Input[Properties] = record(_ADMIN)
    owner: Input[str] = text()
    document: Input[Mapping[str, Any]] = mapping(anything(default=None))
    message: Input[str] | None = text(default=None)
    wait_seconds: Input[int] | None = integer(default=30, maximum=600)
    """How long the connected data planes have to confirm the release."""
    compatibility_version: Input[str] | None = text(default=None, allowed=VERSIONS)
    """The Kong whose defaults fill in what the document leaves out, as the control plane does."""

    release = OutputField(int)
    """The number of the release that holds the document."""
    hash = OutputField(str)
    """The hash that data planes confirm."""


class CredentialType(ResourceType, token="gateway:index:Credential"):
    """A random key and secret, kept until ``keepers`` change.

    The key begins with ``prefix``; the secret has ``length`` characters.
    """

    prefix: Input[str] | None = text(default="")
    length: Input[int] | None = integer(default=32, minimum=16, maximum=256)
    keepers: Input[Properties] | None = mapping(anything(default=None), default={})

    key = OutputField(str)
    secret = OutputField(str, secret=True)


class ClusterCertificateType(ResourceType, token="gateway:index:ClusterCertificate"):
    """A key and its certificate, renewed within ``early_renewal_hours`` of its end.

    ``ca`` is the signer, {certificatePem, privateKeyPem}; an authority signs itself.
    """

    kind: Input[str] = text(allowed=("ca", "server", "client"))
    common_name: Input[str] = text()
    dns_names: Input[Texts] | None = array(text(), default=[])
    ip_addresses: Input[Texts] | None = array(text(), default=[])
    validity_hours: Input[int] | None = integer(default=397 * 24, minimum=1)
    early_renewal_hours: Input[int] | None = integer(default=30 * 24)
    ca: Input[Properties] | None = record(
        {"certificatePem": text(), "privateKeyPem": text(secret=True)}, default=None
    )
    algorithm: Input[str] | None = text(default="ecdsa-p256", allowed=CERTIFICATE_ALGORITHMS)

    certificate_pem = OutputField(str)
    private_key_pem = OutputField(str, secret=True)
    """The certificate's key, PKCS #8."""
    not_after = OutputField(str)
    """When the certificate ends, in ISO 8601."""
    fingerprint = OutputField(str)
    """SHA-256 of the certificate in hexadecimal."""


class KafkaTopicType(ResourceType, token="gateway:kafka:Topic"):
    """A topic on any Kafka, through its admin protocol.

    ``endpoint`` is {bootstrapServers, caPem?, user, password, mechanism?}.
    """

    endpoint: Input[Properties] = record(_KAFKA)
    name: Input[str] = text(problem=topic_problem)
    partitions: Input[int] | None = integer(default=1, minimum=1)
    replication_factor: Input[int] | None = integer(default=1, minimum=1, maximum=32_767)
    config: Input[Properties] | None = mapping(anything(default=None), default={})

    topic_name = OutputField(str, name="name")
    """The name on the cluster, once the topic is there."""


class KafkaAclType(ResourceType, token="gateway:kafka:Acl"):
    """One access rule on any Kafka, through its admin protocol.

    It allows or denies ``principal`` an ``operation`` on ``resource_type`` ``resource_name``;
    ``endpoint`` is that of a topic.
    """

    endpoint: Input[Properties] = record(_KAFKA)
    principal: Input[str] = text()
    resource_type: Input[str] = text(allowed=ACL_RESOURCES)
    resource_name: Input[str] = text()
    pattern_type: Input[str] | None = text(default="literal", allowed=("literal", "prefixed"))
    operation: Input[str] = text(allowed=ACL_OPERATIONS)
    permission: Input[str] | None = text(default="allow", allowed=("allow", "deny"))
    host: Input[str] | None = text(default="*")


class ProcessType(ResourceType, token="gateway:local:Process"):
    """A detached, health-checked process on this machine; drained and restarted by edits.

    It runs ``command`` in ``directory`` with private ``files``. ``ports`` and ``port_keys`` go by
    the same labels: the number, and the config key that changes it. ``ready`` is {kind: http, url}
    or {kind: tcp, port}, and timeoutSeconds. Files in ``reload_on`` are re-read on SIGHUP; an edit
    of anything else that the process sees (``digest`` and ``generation`` included) restarts it.
    """

    name: Input[str] = text()
    directory: Input[str] = text()
    command: Input[Texts] = array(text())
    environment: Input[Mapping[str, Input[str]]] | None = mapping(text(default=""), default={})
    files: Input[Mapping[str, Input[str]]] | None = mapping(
        text(default="", secret=True), default={}
    )
    ports: Input[Mapping[str, Input[int]]] | None = mapping(_PORT, default={})
    port_keys: Input[Mapping[str, Input[str]]] | None = mapping(text(default=""), default={})
    ready: Input[Properties] | None = record(_READY, default=None)
    stop_timeout_seconds: Input[int] | None = integer(default=15, maximum=3600)
    reload_on: Input[Texts] | None = array(text(default=""), default=[])
    digest: Input[str] | None = text(default=None)
    generation: Input[Any] | None = anything(default=None)
    remove_directory: Input[bool] | None = boolean(default=False)

    pid = OutputField(int)
    """Its process id, a new one after each restart."""
    log_file = OutputField(str)
    running = OutputField(bool, recorded=boolean(default=True))
    """True once it is ready; known at preview, so use this to wait for it."""


class KonnectControlPlaneType(ResourceType, token="gateway:konnect:ControlPlane"):
    """A control plane of Konnect and its endpoints. ``api`` is {url, token}."""

    api: Input[Properties] = record(_KONNECT)
    name: Input[str] = text()
    description: Input[str] | None = text(default="")
    auth_type: Input[str] | None = text(
        default="pinned_client_certs", allowed=("pinned_client_certs", "pki_client_certs")
    )
    labels: Input[Mapping[str, Input[str]]] | None = mapping(text(default=""), default={})

    control_plane_id = OutputField(str)
    control_plane_endpoint = OutputField(str)
    """Where data planes get their configuration, a URL."""
    telemetry_endpoint = OutputField(str)
    """Where data planes send telemetry, a URL."""


class KonnectDataPlaneCertificateType(ResourceType, token="gateway:konnect:DataPlaneCertificate"):
    """A certificate that data planes may present to a control plane of Konnect.

    ``api`` is {url, token}.
    """

    api: Input[Properties] = record(_KONNECT)
    control_plane_id: Input[str] = text()
    certificate_pem: Input[str] = text()
    title: Input[str] | None = text(default="kafka-gateway")

    certificate_id = OutputField(str)
