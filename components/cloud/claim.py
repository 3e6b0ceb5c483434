# SPDX-License-Identifier: Apache-2.0
"""The claim of the control plane's volume: the stack's own, so that it goes with the stack.

One that a StatefulSet makes for itself outlives it, and its disk outlives the cluster: nobody is
left to delete it, and it costs.
"""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes

from components.cloud.kubernetes import KubernetesCluster
from components.cloud.namespace import StackNamespace

CLAIM = "prefix-kong-cp-kong-0"
"""The name that the chart's StatefulSet looks for: template, StatefulSet, number of the pod."""
SIZE = "1Gi"


def make_claim(
    name: str,
    parent: pulumi.Resource,
    cluster: KubernetesCluster,
    namespace: StackNamespace,
    *,
    retain: bool,
    adopted: bool,
) -> kubernetes.core.v1.PersistentVolumeClaim:
    """Make it before the StatefulSet does; ``adopted`` takes over the one that it has made.

    It goes while the driver is still there to delete the disk, whatever becomes of the cluster.
    """
    identity = f"{namespace.name}/{CLAIM}"
    inside = cluster.options(parent, *cluster.ready, *namespace.after)
    inside.deleted_with = None
    taken = pulumi.ResourceOptions(import_=identity, ignore_changes=["*"]) if adopted else None
    own = pulumi.ResourceOptions(retain_on_delete=retain)
    return kubernetes.core.v1.PersistentVolumeClaim(
        name,
        metadata={
            "name": CLAIM,
            "namespace": namespace.name,
            # Bound it is with its first pod, which comes later: what is waited for is that it is
            # there, and in the end that it is gone.
            "annotations": {"pulumi.com/waitFor": "jsonpath={.status.phase}"},
        },
        spec={
            "access_modes": ["ReadWriteOnce"],
            "storage_class_name": cluster.storage_class or None,
            "resources": {"requests": {"storage": SIZE}},
        },
        opts=pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions.merge(own, taken)),
    )
