# SPDX-License-Identifier: Apache-2.0
"""Who may do what in AWS and in the cluster: people, previews, renewals, deployments.

The program makes the rights in the cluster from this; the reference shows it, with the policies of
the roles in AWS, which are there before any stack is. A test holds the workflows against it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

GITHUB = "token.actions.githubusercontent.com"
VIEWERS, RENEWERS = "kafka-gateway:viewers", "kafka-gateway:renewers"
"""Groups in the cluster. EKS keeps names that begin with system:, eks:, aws, amazon or iam."""
READ = ("get", "list", "watch")
DRY_RUN = ("create", "patch")
"""What a server-side dry run asks for. Kubernetes has no narrower right (pulumi-kubernetes#2213,
#2521), so an admission policy refuses these of viewers without `dryRun`."""
WRITE = ("create", "patch", "update", "delete")


@dataclass(frozen=True)
class ClusterRule:
    """Verbs on resources of API groups, as RBAC has them; ``""`` is the core group."""

    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]

    def as_rbac(self) -> dict[str, list[str]]:
        """Return it as ``rules`` of a Role take it."""
        return {
            "api_groups": list(self.groups),
            "resources": list(self.resources),
            "verbs": list(self.verbs),
        }


@dataclass(frozen=True)
class ClusterRights:
    """What one group may do: ``everywhere``, and in the stack's ``namespace`` beside that.

    ``releases`` is for the namespaces of Helm releases, which are secrets.
    """

    everywhere: tuple[ClusterRule, ...]
    namespace: tuple[ClusterRule, ...]
    releases: tuple[ClusterRule, ...]


_OBJECTS = (
    ClusterRule(
        ("",),
        ("namespaces", "services", "pods", "configmaps", "serviceaccounts", "events", "nodes"),
        READ,
    ),
    ClusterRule(("",), ("persistentvolumes", "persistentvolumeclaims"), READ),
    ClusterRule(
        ("apps", "autoscaling", "policy", "networking.k8s.io", "storage.k8s.io"), ("*",), READ
    ),
    ClusterRule(
        ("rbac.authorization.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io"),
        ("*",),
        READ,
    ),
)
_ADMIN_API = ClusterRule(("",), ("pods/portforward",), ("create",))
RIGHTS: Mapping[str, ClusterRights] = MappingProxyType(
    {
        VIEWERS: ClusterRights(
            everywhere=(
                *_OBJECTS,
                ClusterRule(("",), ("namespaces", "configmaps"), DRY_RUN),
                ClusterRule(("storage.k8s.io",), ("storageclasses",), DRY_RUN),
            ),
            namespace=(
                ClusterRule(("",), ("secrets", "persistentvolumeclaims"), (*READ, *DRY_RUN)),
                _ADMIN_API,
            ),
            releases=(ClusterRule(("",), ("secrets",), READ),),
        ),
        RENEWERS: ClusterRights(
            everywhere=_OBJECTS,
            namespace=(
                ClusterRule(
                    ("",),
                    ("secrets", "configmaps", "services", "serviceaccounts"),
                    (*READ, *WRITE),
                ),
                ClusterRule(("apps",), ("deployments", "statefulsets"), (*READ, *WRITE)),
                ClusterRule(
                    ("autoscaling", "policy", "networking.k8s.io"),
                    ("horizontalpodautoscalers", "poddisruptionbudgets", "networkpolicies"),
                    (*READ, *WRITE),
                ),
                _ADMIN_API,
            ),
            releases=(),
        ),
    }
)


@dataclass(frozen=True)
class AwsRole:
    """A role of GitHub's jobs: the variable that holds its ARN, and what it may do in AWS.

    ``environments`` are GitHub's; ``session`` is how many seconds it may be held at most, the
    role's MaxSessionDuration; ``access`` is the key of the configuration that lets it into the
    cluster.
    """

    name: str
    variable: str
    environments: tuple[str, ...]
    session: int
    access: str
    purpose: str
    statements: tuple[Mapping[str, Any], ...]

    def policy(self) -> str:
        """Return its rights, as `aws iam put-role-policy` takes them."""
        return _document([dict(statement) for statement in self.statements])

    def trust(self) -> str:
        """Return who may take it: jobs of these environments and no others."""
        subjects = [f"repo:OWNER/REPO:environment:{name}" for name in self.environments]
        condition = {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": subjects}
        provider = f"arn:aws:iam::ACCOUNT:oidc-provider/{GITHUB}"
        return _document(
            [
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": provider},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": {"StringEquals": condition},
                }
            ]
        )


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def _allow(sid: str, actions: tuple[str, ...], resource: str | list[str] = "*") -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}


_BUCKET = ["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/*"]
_STATE_READ = (
    _allow("ReadState", ("s3:GetObject", "s3:ListBucket"), _BUCKET),
    _allow("ReadSecrets", ("kms:Decrypt",), "KEY_ARN"),
)
_STATE_WRITE = (
    _allow(
        "WriteState",
        ("s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject"),
        _BUCKET,
    ),
    _allow("WriteSecrets", ("kms:Decrypt", "kms:Encrypt"), "KEY_ARN"),
)
_LOOK_UP = _allow(
    "LookUp",
    (
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeInstanceTypeOfferings",
        "eks:DescribeAddonVersions",
        "eks:DescribeCluster",
        "eks:DescribeNodegroup",
    ),
)
_READ_ALL = _allow(
    "Read",
    (
        *("acm:DescribeCertificate", "acm:ListTagsForCertificate"),
        *("ec2:Describe*", "eks:Describe*", "eks:List*"),
        *("iam:GetRole", "iam:GetRolePolicy"),
        *("iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole"),
        *("iam:ListRolePolicies", "iam:ListRoleTags"),
        *("logs:DescribeLogGroups", "logs:ListTagsForResource"),
        *("route53:GetChange", "route53:GetHostedZone", "route53:ListResourceRecordSets"),
    ),
)
STACKS = ("dev", "staging", "konnect", "prod")
AWS_ROLES = (
    AwsRole(
        name="preview",
        variable="AWS_PREVIEW_ROLE",
        environments=("preview",),
        session=3600,
        access="viewerArns",
        purpose="previews of pull requests, drift: changes nothing",
        statements=(*_STATE_READ, _READ_ALL),
    ),
    AwsRole(
        name="renewal",
        variable="AWS_RENEWAL_ROLE",
        environments=tuple(f"renewal-{stack}" for stack in STACKS),
        session=7200,
        access="renewalArns",
        purpose="certificates, secrets and releases, once a week and with nobody looking",
        statements=(*_STATE_WRITE, _LOOK_UP),
    ),
    AwsRole(
        name="deploy",
        variable="AWS_DEPLOY_ROLE",
        environments=STACKS,
        session=18000,
        access="adminArns, unless it makes the cluster: EKS lets that one in by itself",
        purpose="deployments, after the approval that the environment asks for",
        statements=(
            *_STATE_WRITE,
            _allow("Make", ("acm:*", "ec2:*", "eks:*", "logs:*", "route53:*")),
            _allow(
                "Roles",
                (
                    *("iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole"),
                    *("iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:GetRole"),
                    *("iam:GetRolePolicy", "iam:ListAttachedRolePolicies"),
                    *("iam:ListInstanceProfilesForRole", "iam:ListRolePolicies"),
                    *("iam:ListRoleTags", "iam:PassRole", "iam:PutRolePolicy", "iam:TagRole"),
                    *("iam:UntagRole", "iam:UpdateAssumeRolePolicy"),
                ),
                "arn:aws:iam::ACCOUNT:role/cluster-*",
            ),
            {
                **_allow("Linked", ("iam:CreateServiceLinkedRole",)),
                "Condition": {
                    "StringLike": {
                        "iam:AWSServiceName": ["eks*.amazonaws.com", "*.elasticloadbalancing.*"]
                    }
                },
            },
        ),
    ),
)
