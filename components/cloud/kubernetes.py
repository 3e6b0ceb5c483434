# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes cluster as the rest of the program knows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.cloud.load_balancer import OF_ANY_KIND, LoadBalancer


@dataclass(frozen=True)
class KubernetesCluster:
    """A cluster that is there: how to reach it, and the resource that it is deleted with.

    ``owner`` is None for a cluster that outlives the stack. ``storage_class`` is
    empty for the cluster's own default. ``ready`` is what pods need:
    they come after it and go before it.
    """

    provider: kubernetes.Provider
    kubeconfig: pulumi.Output[str]
    owner: pulumi.Resource | None
    storage_class: str = ""
    load_balancer: LoadBalancer = OF_ANY_KIND
    ready: tuple[pulumi.Resource, ...] = ()

    def options(self, parent: pulumi.Resource, *after: pulumi.Resource) -> pulumi.ResourceOptions:
        """Return options for an object in the cluster, below ``parent`` and made ``after`` others.

        What lies in a namespace comes after it by name: its own outputs are unknown at the first
        preview, when there is no cluster to ask, and would hide every name that holds them.
        """
        return pulumi.ResourceOptions(
            parent=parent,
            provider=self.provider,
            deleted_with=self.owner,
            depends_on=list(after),
        )


def kubernetes_provider(
    name: str,
    kubeconfig: pulumi.Output[str],
    identifier: pulumi.Input[str],
    parent: pulumi.Resource | None,
    owner: pulumi.Resource | None,
    after: Sequence[pulumi.Resource] = (),
) -> kubernetes.Provider:
    """Return a cluster's one provider; ``identifier`` keeps it when the kubeconfig changes.

    ``after`` is the way to the cluster: everything in it comes later and goes earlier.
    """
    return kubernetes.Provider(
        name,
        kubeconfig=kubeconfig,
        cluster_identifier=identifier or None,
        enable_server_side_apply=True,
        opts=pulumi.ResourceOptions(parent=parent, deleted_with=owner, depends_on=list(after)),
    )
