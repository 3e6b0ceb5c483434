# SPDX-License-Identifier: Apache-2.0
"""What an EKS control plane leaves outside the cluster: its log, and the role it acts in."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.cloud.aws import AwsResources
from components.config.kubernetes import EksConfig

LOG_TYPES = ("api", "audit", "authenticator")
ROLE_POLICIES = {
    "nodegroup": ("AmazonEKSClusterPolicy",),
    # What auto mode makes: instances, volumes, load balancers, network interfaces.
    "auto": (
        "AmazonEKSClusterPolicy",
        "AmazonEKSComputePolicy",
        "AmazonEKSBlockStoragePolicy",
        "AmazonEKSLoadBalancingPolicy",
        "AmazonEKSNetworkingPolicy",
    ),
}
NO_LOGS_OF_ITS_OWN = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "logs:CreateLogGroup", "Resource": "*"}],
    }
)
"""Its last lines come after it is gone, and would make the group again, without an end
(terraform-aws-modules/terraform-aws-eks#920)."""


@dataclass(frozen=True)
class ControlPlaneRole:
    """A role with what gives it its rights."""

    role: aws.iam.Role
    attached: tuple[pulumi.Resource, ...]


def control_plane_log(
    resources: AwsResources, config: EksConfig, *, adopted: bool
) -> aws.cloudwatch.LogGroup:
    """Make the group that EKS writes to before it does so itself, where nothing ever goes.

    One that EKS has made (``adopted``) is taken over as it is; the next update sets its retention.
    """
    name = f"/aws/eks/{config.name}/cluster"
    taken = pulumi.ResourceOptions(import_=name, ignore_changes=["*"]) if adopted else None
    return aws.cloudwatch.LogGroup(
        f"{resources.name}-log",
        name=name,
        retention_in_days=config.log_days,
        tags=resources.tagged("log"),
        opts=pulumi.ResourceOptions.merge(resources.options(), taken),
    )


def control_plane_role(resources: AwsResources, mode: str) -> ControlPlaneRole:
    """Make the role of a new cluster. That of a live one stays: another would replace it."""
    role, attached = resources.role("control", "eks.amazonaws.com", ROLE_POLICIES[mode])
    denied = aws.iam.RolePolicy(
        f"{resources.name}-control-no-logs",
        role=role.name,
        policy=NO_LOGS_OF_ITS_OWN,
        opts=resources.options(),
    )
    return ControlPlaneRole(role, (*attached, denied))
