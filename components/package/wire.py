# SPDX-License-Identifier: Apache-2.0
"""What one component hands on to another, as objects of the schema, and the dataclasses for them.

An object comes as one value that may be unknown, or as one of values: with the names of the schema.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict, TypeVar

import pulumi

from components.cloud.kubernetes import KubernetesCluster, kubernetes_provider
from components.cloud.load_balancer import LoadBalancer
from components.cloud.namespace import StackNamespace
from components.config.secret import secret
from components.endpoints import (
    ControlPlaneEndpoint,
    HybridIdentity,
    KafkaEndpoint,
    SchemaRegistryEndpoint,
)

_T = TypeVar("_T")


class KafkaAccess(TypedDict):
    """A Kafka that is there, with the keys for it."""

    bootstrapServers: pulumi.Input[str]
    """`host:port` of each server, separated by commas."""
    apiKey: pulumi.Input[str]
    """The key that the gateway writes with."""
    apiSecret: pulumi.Input[str]
    """Its secret."""
    caPem: NotRequired[pulumi.Input[str]]
    """Authority of the brokers, PEM; none: the system's trust."""
    readerKey: NotRequired[pulumi.Input[str]]
    """A key that reads the topics, for the command line."""
    readerSecret: NotRequired[pulumi.Input[str]]
    """Its secret."""
    registryUrl: NotRequired[pulumi.Input[str]]
    """Address of the schema registry."""
    registryKey: NotRequired[pulumi.Input[str]]
    """The gateway's key for it."""
    registrySecret: NotRequired[pulumi.Input[str]]
    """Its secret."""


class DataPlaneIdentity(TypedDict):
    """What data planes present to a control plane, and verify it with."""

    authorityPem: pulumi.Input[str]
    """The authority of both sides, PEM."""
    certificatePem: pulumi.Input[str]
    """The data planes' certificate, PEM."""
    privateKeyPem: pulumi.Input[str]
    """Its key."""
    fingerprint: pulumi.Input[str]
    """Changes with the certificate, so that pods are made anew."""
    controlPlaneFingerprint: NotRequired[pulumi.Input[str]]
    """The same for the certificate of a control plane in the cluster."""


class SideIdentity(TypedDict):
    """What one side presents to another, and verifies it with."""

    certificatePem: pulumi.Input[str]
    """Its certificate, PEM."""
    privateKeyPem: pulumi.Input[str]
    """The certificate's key."""
    authorityPem: pulumi.Input[str]
    """The authority of both sides, PEM."""


class ControlPlaneAccess(TypedDict):
    """A control plane that is there: where it is administered, and where data planes connect."""

    cluster: pulumi.Input[str]
    """`host:port` that data planes connect to."""
    serverName: pulumi.Input[str]
    """The name in its certificate."""
    adminUrl: NotRequired[pulumi.Input[str]]
    """Address of its Admin API; none where a port-forward reaches it."""
    adminToken: NotRequired[pulumi.Input[str]]
    """What the Admin API asks for."""
    forwardNamespace: NotRequired[pulumi.Input[str]]
    """Namespace of the pod that a port-forward goes to."""
    forwardPod: NotRequired[pulumi.Input[str]]
    """The pod's name."""
    forwardPort: NotRequired[pulumi.Input[str]]
    """The port on its loopback."""


class ClusterLoadBalancer(TypedDict):
    """What the load balancers of a cluster are like."""

    className: NotRequired[str]
    """The class that a Service asks for; none: AWS' in-tree one."""
    keepsAddresses: NotRequired[bool]
    """Whether it connects to nodes with the client's own address."""
    cidrs: NotRequired[list[str]]
    """From where it connects to pods, with the PROXY protocol."""


class Wired:
    """The entries of one object as outputs: it may be an output itself."""

    def __init__(self, value: pulumi.Input[Any]) -> None:
        self._value = pulumi.Output.from_input(value)

    def text(self, name: str) -> pulumi.Output[str]:
        """Return a text, an empty one where there is none."""
        return self._value.apply(lambda found: str(found.get(name) or ""))

    def hidden(self, name: str) -> pulumi.Output[str]:
        """Return a text that is secret whatever it was."""
        return secret(self.text(name))


def value_after(value: pulumi.Input[_T], *others: pulumi.Input[Any]) -> pulumi.Output[_T]:
    """Return a value once the others are there too: what takes it comes after them."""
    return pulumi.Output.all(value, *others).apply(lambda found: found[0])


def kafka_of(value: pulumi.Input[Any], *, own_authority: bool, registry: bool) -> KafkaEndpoint:
    """Return a Kafka that was handed over; what there is of it decides which secrets there are."""
    given = Wired(value)
    endpoint = None
    if registry:
        endpoint = SchemaRegistryEndpoint(
            given.text("registryUrl"), given.text("registryKey"), given.hidden("registrySecret")
        )
    return KafkaEndpoint(
        bootstrap_servers=given.text("bootstrapServers").apply(_servers),
        ca_pem=given.text("caPem") if own_authority else None,
        api_key=given.text("apiKey"),
        api_secret=given.hidden("apiSecret"),
        reader_key=given.text("readerKey"),
        reader_secret=given.hidden("readerSecret"),
        schema_registry=endpoint,
    )


def kafka_access(endpoint: KafkaEndpoint) -> KafkaAccess:
    """Return a Kafka as it is handed over; what ``kafka_of`` reads."""
    access: KafkaAccess = {
        "bootstrapServers": endpoint.server_list,
        "apiKey": endpoint.api_key,
        "apiSecret": secret(endpoint.api_secret),
        "readerKey": endpoint.reader_key,
        "readerSecret": secret(endpoint.reader_secret),
    }
    if endpoint.ca_pem is not None:
        access["caPem"] = endpoint.ca_pem
    if (registry := endpoint.schema_registry) is not None:
        access["registryUrl"] = registry.url
        access["registryKey"] = registry.key
        access["registrySecret"] = secret(registry.secret)
    return access


def _servers(text: str) -> list[dict[str, str | int]]:
    pairs = [server.strip().rpartition(":") for server in text.split(",")]
    return [{"host": host, "port": int(port)} for host, _, port in pairs]


def control_plane_of(
    value: pulumi.Input[Any], kubeconfig: pulumi.Input[str] | None
) -> ControlPlaneEndpoint:
    """Return a control plane that was handed over; ``kubeconfig`` leads to a port-forward."""
    given = Wired(value)
    forward: dict[str, pulumi.Input[str]] | None = None
    if kubeconfig is not None:
        forward = {
            "kubeconfig": secret(pulumi.Output.from_input(kubeconfig).apply(_text_of)),
            "namespace": given.text("forwardNamespace"),
            "pod": given.text("forwardPod"),
            "port": given.text("forwardPort"),
        }
    return ControlPlaneEndpoint(
        admin_url=given.text("adminUrl"),
        admin_token=given.hidden("adminToken"),
        cluster=given.text("cluster"),
        cluster_server_name=given.text("serverName"),
        forward=forward,
    )


def _text_of(kubeconfig: Any) -> str:
    """Return the text; a program in YAML makes an object of one that is JSON."""
    return kubeconfig if isinstance(kubeconfig, str) else json.dumps(kubeconfig, sort_keys=True)


@dataclass(frozen=True)
class HandedOverCertificates:
    """Certificates that a component of another call has made, and their secrets in a namespace."""

    namespace: StackNamespace
    identity: HybridIdentity
    data_plane_fingerprint: pulumi.Output[str]
    control_plane_fingerprint: pulumi.Output[str] | None
    secrets: Sequence[pulumi.Resource] = ()


def certificates_of(
    value: pulumi.Input[Any], namespace: str, cluster: KubernetesCluster
) -> HandedOverCertificates:
    """Return the certificates that were handed over; their secrets are in ``namespace``."""
    given = Wired(value)
    return HandedOverCertificates(
        StackNamespace(namespace, None, cluster),
        identity_of(value),
        given.text("fingerprint"),
        given.text("controlPlaneFingerprint"),
    )


def identity_of(value: pulumi.Input[Any]) -> HybridIdentity:
    """Return one side's certificate that was handed over."""
    given = Wired(value)
    return HybridIdentity(
        given.text("certificatePem"), given.hidden("privateKeyPem"), given.text("authorityPem")
    )


def cluster_of(
    name: str, arguments: Mapping[str, Any], after: pulumi.Input[Any] = None
) -> KubernetesCluster:
    """Return the cluster at ``kubeconfig``; what goes into it comes after the value ``after``."""
    kubeconfig = value_after(arguments["kubeconfig"], after).apply(_text_of)
    balancer = arguments.get("load_balancer") or {}
    provider = kubernetes_provider(
        f"{name}-kubernetes",
        secret(kubeconfig),
        arguments.get("cluster_identifier") or "",
        # Below the stack: the component is not registered yet, and its parent is a mere address.
        None,
        None,
    )
    return KubernetesCluster(
        provider,
        secret(kubeconfig),
        owner=None,
        storage_class=arguments.get("storage_class") or "",
        load_balancer=LoadBalancer(
            balancer.get("className") or "",
            keeps_addresses=bool(balancer.get("keepsAddresses")),
            cidrs=tuple(balancer.get("cidrs") or ()),
        ),
    )
