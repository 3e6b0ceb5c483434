# SPDX-License-Identifier: Apache-2.0
"""The managed nodes of an EKS cluster: how many, which, and how a change reaches them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.cloud.aws import AwsResources
from components.cloud.live import LiveNodes
from components.config.kubernetes import EksConfig

NODE_POLICIES = (
    "AmazonEKSWorkerNodePolicy",
    "AmazonEKS_CNI_Policy",
    "AmazonEC2ContainerRegistryPullOnly",
)
NODE_TIMEOUTS = pulumi.CustomTimeouts(create="30m", update="60m", delete="30m")
ARM_IMAGE = "AL2023_ARM_64_STANDARD"
"""EKS takes the image for x86 unless told, and refuses types that it does not run on."""
SIZE_NOW = "scalingConfig.desiredSize"


@dataclass(frozen=True)
class NodesArgs:
    """Where nodes go, ``subnets`` in ``zones``, after what, and the group that is there."""

    config: EksConfig
    cluster_name: pulumi.Input[str]
    subnets: Sequence[pulumi.Input[str]]
    zones: pulumi.Output[list[str]]
    after: Sequence[pulumi.Resource]
    live: LiveNodes | None


def make_nodes(resources: AwsResources, args: NodesArgs) -> aws.eks.NodeGroup:
    """Make the nodes, without a name of ours.

    A named group is deleted before its successor is made, with every pod on it
    (pulumi/pulumi-eks#492). An automatic name lets new nodes come first; EKS then drains the old.
    Another version is rolled through the group in place, after the cluster's.
    """
    role, attached = resources.role("nodes", "ec2.amazonaws.com", NODE_POLICIES)
    wanted, kept = args.config, _settled(args)
    return aws.eks.NodeGroup(
        f"{resources.name}-nodes",
        cluster_name=args.cluster_name,
        node_role_arn=role.arn,
        subnet_ids=list(args.subnets),
        instance_types=[_offered(resources, args)],
        ami_type=ARM_IMAGE if wanted.arm else None,
        launch_template=_template(resources),
        version=wanted.version,
        scaling_config={
            "desired_size": wanted.nodes if kept else _size_now(resources, args),
            "min_size": wanted.min_nodes,
            "max_size": wanted.max_nodes,
        },
        update_config={"max_unavailable": 1},
        tags=resources.tagged("nodes"),
        opts=resources.options(
            # Without its policies a node can neither join nor be taken out in order.
            depends_on=[*attached, *args.after],
            # The autoscaler's to decide, within limits that stay.
            ignore_changes=[SIZE_NOW] if kept else [],
            custom_timeouts=NODE_TIMEOUTS,
        ),
    )


def _template(resources: AwsResources) -> Any:
    """Return the template by which pods on a node cannot take the node's credentials.

    A hop limit of 1 ends the metadata service's packets at the node itself (EKS best practices,
    "Restrict access to the instance profile assigned to the worker node").
    """
    made = aws.ec2.LaunchTemplate(
        f"{resources.name}-nodes",
        metadata_options={
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": 1,
        },
        tag_specifications=[
            {"resource_type": kind, "tags": resources.tagged("nodes")}
            for kind in ("instance", "volume")
        ],
        tags=resources.tagged("nodes"),
        opts=resources.options(),
    )
    return {"id": made.id, "version": made.latest_version.apply(str)}


def _offered(resources: AwsResources, args: NodesArgs) -> pulumi.Input[str]:
    """Return the instance type when AWS has it in every zone; ``pulumi.RunError`` at the preview.

    AWS would say so half an hour later, when the group's first nodes do not come. What is there
    already is not asked for again.
    """
    wanted, live = args.config, args.live
    there = () if live is None else (live.subnets, live.instance_types)
    if there == (len(args.subnets), (wanted.instance_type,)):
        return wanted.instance_type
    found = aws.ec2.get_instance_type_offerings_output(
        location_type="availability-zone",
        filters=[{"name": "instance-type", "values": [wanted.instance_type]}],
        opts=pulumi.InvokeOptions(parent=resources.parent, provider=resources.provider),
    )
    return pulumi.Output.all(found.locations, args.zones).apply(
        lambda both: offered(wanted.instance_type, wanted.region, both[0], both[1])
    )


def offered(kind: str, region: str, locations: Sequence[str], zones: Sequence[str]) -> str:
    """Return ``kind``, which AWS has in ``locations``; raises when nodes need it elsewhere too."""
    if not locations:
        raise pulumi.RunError(f"nodeType: {kind!r} does not exist in {region}")
    missing = sorted(set(zones) - set(locations))
    if missing:
        raise pulumi.RunError(
            f"nodeType: {kind!r} does not exist in {', '.join(missing)}; "
            f"it does in {', '.join(sorted(locations))}"
        )
    return kind


def _settled(args: NodesArgs) -> bool:
    """Tell whether the number of nodes is none of this update's business."""
    wanted, live = args.config, args.live
    if live is None:
        return True
    before = (live.least, live.most, live.instance_types, live.subnets)
    return before == (
        wanted.min_nodes,
        wanted.max_nodes,
        (wanted.instance_type,),
        len(args.subnets),
    )


def _size_now(resources: AwsResources, args: NodesArgs) -> pulumi.Output[int]:
    """Return as many nodes as there are, within the limits that are to be.

    EKS refuses limits that the present number is outside of
    (terraform-aws-modules/terraform-aws-eks#944), and successors take over the load of as many.
    """
    wanted = args.config
    assert args.live is not None
    found = aws.eks.get_node_group_output(
        cluster_name=wanted.name,
        node_group_name=args.live.name,
        opts=pulumi.InvokeOptions(parent=resources.parent, provider=resources.provider),
    )
    return found.scaling_configs.apply(
        lambda sizes: within(int(sizes[0].desired_size), wanted.min_nodes, wanted.max_nodes)
    )


def within(number: int, least: int, most: int) -> int:
    """Return the number nearest to ``number`` from ``least`` to ``most``."""
    return max(least, min(number, most))
