# SPDX-License-Identifier: Apache-2.0
"""Volumes on EKS: the storage class that asks for them."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as kubernetes

STORAGE_CLASS = "kafka-gateway"
PROVISIONERS = {"nodegroup": "ebs.csi.aws.com", "auto": "ebs.csi.eks.amazonaws.com"}


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
