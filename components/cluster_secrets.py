# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes secrets that a release mounts or reads; their names are the story's."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes

from components.endpoints import ClusterIdentity

CLUSTER_CERT = "kong-cluster-cert"
CLUSTER_CA = "kong-cluster-ca"
API_KEY = "kafka-api-key"


def mounted(secret: str, key: str) -> str:
    """Return the path of a secret's key inside the pod."""
    return f"/etc/secrets/{secret}/{key}"


def identity_secrets(
    prefix: str,
    namespace: kubernetes.core.v1.Namespace,
    identity: ClusterIdentity,
    opts: pulumi.ResourceOptions,
) -> list[kubernetes.core.v1.Secret]:
    """Make ``kong-cluster-cert`` (type tls) and ``kong-cluster-ca`` (ca.crt) in ``namespace``."""
    certificate = secret(
        prefix,
        CLUSTER_CERT,
        namespace,
        {"tls.crt": identity.certificate_pem, "tls.key": identity.private_key_pem},
        opts,
        type_="kubernetes.io/tls",
    )
    return [certificate, secret(prefix, CLUSTER_CA, namespace, {"ca.crt": identity.ca_pem}, opts)]


def secret(
    prefix: str,
    name: str,
    namespace: kubernetes.core.v1.Namespace,
    values: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
    type_: str = "Opaque",
) -> kubernetes.core.v1.Secret:
    """Make one secret with a fixed name; a changed value is an update in place."""
    return kubernetes.core.v1.Secret(
        f"{prefix}-{name}",
        metadata=kubernetes.meta.v1.ObjectMetaArgs(name=name, namespace=namespace.metadata.name),
        type=type_,
        string_data={key: pulumi.Output.secret(value) for key, value in values.items()},
        opts=opts,
    )
