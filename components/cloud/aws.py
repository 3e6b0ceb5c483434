# SPDX-License-Identifier: Apache-2.0
"""What the AWS resources of one component have in common: name, tags, provider, parent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True)
class AwsResources:
    """Names, tags and places the AWS resources below ``parent``.

    ``name`` begins their Pulumi names, ``label`` their names in the AWS console.
    """

    parent: pulumi.Resource
    provider: aws.Provider
    name: str
    label: str
    tags: Mapping[str, str]

    def options(self, **more: object) -> pulumi.ResourceOptions:
        """Return options for one of them, with ``more`` of pulumi's own."""
        own = pulumi.ResourceOptions(parent=self.parent, provider=self.provider)
        return pulumi.ResourceOptions.merge(own, pulumi.ResourceOptions(**more))  # type: ignore[arg-type]  # the caller's keywords are its own

    def tagged(self, label: str, **more: str) -> dict[str, str]:
        """Return the tags of the one that ``label`` names."""
        return {**self.tags, "Name": f"{self.label}-{label}", **more}

    def role(
        self, label: str, service: str, policies: Sequence[str]
    ) -> tuple[aws.iam.Role, list[pulumi.Resource]]:
        """Make a role for an AWS service; return it, and what attaches its policies."""
        role = aws.iam.Role(
            f"{self.name}-{label}",
            assume_role_policy=trust(service),
            tags=self.tagged(label),
            opts=self.options(),
        )
        attached: list[pulumi.Resource] = [
            aws.iam.RolePolicyAttachment(
                f"{self.name}-{label}-{policy.rpartition('/')[2]}",
                role=role.name,
                policy_arn=f"arn:aws:iam::aws:policy/{policy}",
                opts=self.options(),
            )
            for policy in policies
        ]
        return role, attached


def trust(service: str) -> str:
    """Return the policy by which an AWS service may take a role."""
    actions = ["sts:AssumeRole"]
    if service in ("pods.eks.amazonaws.com", "eks.amazonaws.com"):
        actions.append("sts:TagSession")
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
