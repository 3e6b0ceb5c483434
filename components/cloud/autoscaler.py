# SPDX-License-Identifier: Apache-2.0
"""What adds nodes for pods that find no room, and takes away those that are not needed.

It moves the size of the managed node group within its limits. Auto mode does that by itself.
"""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_aws as aws

from components.cloud.aws import AwsResources
from components.cloud.helm import Chart, release
from components.cloud.kubernetes import KubernetesCluster
from components.config.kubernetes import EksConfig
from components.config.versions import AUTOSCALER_CHART_REPOSITORY, AUTOSCALER_CHART_VERSION

NAME = "cluster-autoscaler"
NAMESPACE = "kube-system"
READ = (
    "autoscaling:DescribeAutoScalingGroups",
    "autoscaling:DescribeAutoScalingInstances",
    "autoscaling:DescribeLaunchConfigurations",
    "autoscaling:DescribeScalingActivities",
    "autoscaling:DescribeTags",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:GetInstanceTypesFromInstanceRequirements",
    "eks:DescribeNodegroup",
)
WRITE = ("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup")


def make_autoscaler(
    resources: AwsResources,
    config: EksConfig,
    cluster_name: pulumi.Input[str],
    cluster: KubernetesCluster,
) -> pulumi.Resource:
    """Make the release, and its right to size the groups of this cluster and no others."""
    role, _ = resources.role("autoscaler", "pods.eks.amazonaws.com", [])
    rights = aws.iam.RolePolicy(
        f"{resources.name}-autoscaler",
        role=role.name,
        policy=rights_for(config.name),
        opts=resources.options(),
    )
    identity = aws.eks.PodIdentityAssociation(
        f"{resources.name}-autoscaler",
        cluster_name=cluster_name,
        namespace=NAMESPACE,
        service_account=NAME,
        role_arn=role.arn,
        tags=resources.tagged("autoscaler"),
        opts=resources.options(depends_on=[rights]),
    )
    return release(
        f"{resources.name}-autoscaler",
        Chart(NAME, AUTOSCALER_CHART_VERSION, AUTOSCALER_CHART_REPOSITORY),
        NAME,
        NAMESPACE,
        autoscaler_values(config),
        cluster,
        resources.parent,
        depends_on=[identity],
    )


def autoscaler_values(config: EksConfig) -> dict[str, Any]:
    """Return the chart's values. The autoscaler's minor version is that of Kubernetes."""
    return {
        "nameOverride": NAME,
        "fullnameOverride": NAME,
        "image": {"tag": f"v{config.version}.0"},
        "cloudProvider": "aws",
        "awsRegion": config.region,
        "autoDiscovery": {"clusterName": config.name},
        "rbac": {"serviceAccount": {"name": NAME}},
        "extraArgs": {"balance-similar-node-groups": True, "skip-nodes-with-system-pods": False},
    }


def rights_for(cluster_name: str) -> str:
    """Return the policy: look at all groups, size those that EKS tagged for this cluster."""
    tag = f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster_name}"
    owned = {"StringEquals": {tag: "owned"}}
    statements = [
        {"Effect": "Allow", "Action": list(READ), "Resource": "*"},
        {"Effect": "Allow", "Action": list(WRITE), "Resource": "*", "Condition": owned},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
