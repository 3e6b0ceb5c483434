# SPDX-License-Identifier: Apache-2.0
"""Volumes on EKS: what makes them, and the storage class that asks for them."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from components.cloud.aws import AwsResources

STORAGE_CLASS = "kafka-gateway"
PROVISIONERS = {"nodegroup": "ebs.csi.aws.com", "auto": "ebs.csi.eks.amazonaws.com"}


def storage_addon(
    resources: AwsResources, cluster_name: pulumi.Input[str], nodes: pulumi.Resource
) -> aws.eks.Addon:
    """Add what makes volumes; in auto mode EKS has it built in."""
    role, attached = resources.role(
        "storage", "pods.eks.amazonaws.com", ["service-role/AmazonEBSCSIDriverPolicy"]
    )
    identity = aws.eks.Addon(
        f"{resources.name}-pod-identity",
        cluster_name=cluster_name,
        addon_name="eks-pod-identity-agent",
        tags=resources.tagged("pod-identity"),
        opts=resources.options(depends_on=[nodes]),
    )
    return aws.eks.Addon(
        f"{resources.name}-ebs",
        cluster_name=cluster_name,
        addon_name="aws-ebs-csi-driver",
        pod_identity_associations=[
            {"role_arn": role.arn, "service_account": "ebs-csi-controller-sa"}
        ],
        tags=resources.tagged("ebs"),
        opts=resources.options(depends_on=[identity, *attached]),
    )


def storage_class(
    name: str,
    mode: str,
    provider: kubernetes.Provider,
    parent: pulumi.Resource,
    owner: pulumi.Resource,
    after: Sequence[pulumi.Resource],
    *,
    retain: bool,
) -> kubernetes.storage.v1.StorageClass:
    """Make the class; ``retain`` leaves volumes behind that lose their claim."""
    return kubernetes.storage.v1.StorageClass(
        name,
        metadata={"name": STORAGE_CLASS},
        provisioner=PROVISIONERS[mode],
        parameters={"type": "gp3", "encrypted": "true"},
        reclaim_policy="Retain" if retain else "Delete",
        volume_binding_mode="WaitForFirstConsumer",
        allow_volume_expansion=True,
        opts=pulumi.ResourceOptions(
            parent=parent, provider=provider, deleted_with=owner, depends_on=list(after)
        ),
    )
