# SPDX-License-Identifier: Apache-2.0
"""What EKS runs in a cluster for it: network, names, identities, volumes, measurements.

All are managed, at the most recent version that fits the cluster's Kubernetes; the plan says which.
An upgrade of Kubernetes takes them along. In auto mode EKS has all but the last built in.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.cloud.aws import AwsResources


class ClusterAddons:
    """Makes the add-ons of one cluster of Kubernetes ``version``."""

    def __init__(
        self, resources: AwsResources, cluster_name: pulumi.Input[str], version: str
    ) -> None:
        self._resources, self._cluster_name = resources, cluster_name
        self._version = version

    def before_nodes(self) -> list[pulumi.Resource]:
        """Return what nodes need to become ready; they bring its pods up themselves."""
        policies = json.dumps({"enableNetworkPolicy": "true"})
        network = self._addon("vpc-cni", "vpc-cni", configuration_values=policies)
        return [network, self._addon("kube-proxy", "kube-proxy")]

    def after_nodes(self, nodes: pulumi.Resource) -> list[pulumi.Resource]:
        """Return what is only healthy with nodes to run on."""
        return [self._addon("coredns", "coredns", [nodes])]

    def measurements(self, after: Sequence[pulumi.Resource]) -> pulumi.Resource:
        """Return what tells the load of pods: without it no autoscaler of pods acts."""
        return self._addon("metrics", "metrics-server", after)

    def storage(self, nodes: pulumi.Resource) -> pulumi.Resource:
        """Return what makes volumes, with the right to do so by pod identity."""
        role, attached = self._resources.role(
            "storage", "pods.eks.amazonaws.com", ["service-role/AmazonEBSCSIDriverPolicy"]
        )
        identity = self._addon("pod-identity", "eks-pod-identity-agent", [nodes])
        account = {"role_arn": role.arn, "service_account": "ebs-csi-controller-sa"}
        return self._addon(
            "ebs", "aws-ebs-csi-driver", [identity, *attached], pod_identity_associations=[account]
        )

    def _addon(
        self, label: str, addon: str, after: Sequence[pulumi.Resource] = (), **more: Any
    ) -> aws.eks.Addon:
        resources = self._resources
        fitting = aws.eks.get_addon_version_output(
            addon_name=addon,
            kubernetes_version=self._version,
            most_recent=True,
            opts=pulumi.InvokeOptions(parent=resources.parent, provider=resources.provider),
        )
        return aws.eks.Addon(
            f"{resources.name}-{label}",
            cluster_name=self._cluster_name,
            addon_name=addon,
            addon_version=fitting.version,
            # EKS starts a cluster with some of its own that nobody manages: taken over.
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            tags=resources.tagged(label),
            opts=resources.options(depends_on=list(after)),
            **more,
        )


def enforced_policies(name: str, inside: pulumi.ResourceOptions) -> pulumi.Resource:
    """Have auto mode enforce network policies: without this, it lets all of them be.

    Amazon EKS user guide, "Use Network Policies with EKS Auto Mode". Its nodes keep pods from the
    metadata service by themselves: hop limit 1, which cannot be changed.
    """
    return kubernetes.core.v1.ConfigMap(
        f"{name}-network-policies",
        metadata={"name": "amazon-vpc-cni", "namespace": "kube-system"},
        data={"enable-network-policy-controller": "true"},
        opts=inside,
    )
