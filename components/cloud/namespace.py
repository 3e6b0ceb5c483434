# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes namespace of a stack, and the secrets in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.cloud.kubernetes import KubernetesCluster
from components.config.secret import secret


@dataclass(frozen=True)
class StackNamespace:
    """A namespace in ``cluster``; ``resource`` is None where another program has made it."""

    name: str
    resource: kubernetes.core.v1.Namespace | None
    cluster: KubernetesCluster

    @property
    def after(self) -> tuple[pulumi.Resource, ...]:
        """What everything in it comes after."""
        return () if self.resource is None else (self.resource,)

    def secret(
        self,
        name: str,
        parent: pulumi.Resource,
        secret_name: str,
        data: Mapping[str, pulumi.Input[str]],
        kind: str = "Opaque",
    ) -> kubernetes.core.v1.Secret:
        """Make the Kubernetes secret ``secret_name`` in it; values go out as Pulumi secrets."""
        return kubernetes.core.v1.Secret(
            name,
            metadata={"name": secret_name, "namespace": self.name},
            type=kind,
            string_data={key: secret(value) for key, value in data.items()},
            opts=self.cluster.options(parent, *self.after),
        )


def make_namespace(
    name: str,
    parent: pulumi.Resource,
    namespace: str,
    pod_security: str,
    cluster: KubernetesCluster,
) -> StackNamespace:
    """Make a namespace that refuses pods below the Pod Security Standard ``pod_security``."""
    labels = {"pod-security.kubernetes.io/enforce": pod_security}
    made = kubernetes.core.v1.Namespace(
        name, metadata={"name": namespace, "labels": labels}, opts=cluster.options(parent)
    )
    return StackNamespace(namespace, made, cluster)
