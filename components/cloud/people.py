# SPDX-License-Identifier: Apache-2.0
"""Rights in the cluster of those who are no administrators: viewers that preview, and renewals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.cloud.kubernetes import KubernetesCluster
from components.cloud.namespace import StackNamespace
from components.config.access_roles import RENEWERS, RIGHTS, VIEWERS, ClusterRule
from components.config.kubernetes import EksConfig

RBAC = "rbac.authorization.k8s.io"
RELEASES = "kube-system"
"""Where a release of the stack is beside its own namespace: the autoscaler's."""


@dataclass(frozen=True)
class ClusterPeopleArgs:
    """Whom to give rights in ``namespace`` of ``cluster``, beside its administrators."""

    config: EksConfig
    cluster: KubernetesCluster
    namespace: StackNamespace


class ClusterPeople(pulumi.ComponentResource):
    """Roles for the groups that access entries put roles of AWS into; nothing for none."""

    def __init__(
        self, name: str, args: ClusterPeopleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:eks:ClusterPeople", name, None, opts)
        self._name, self._args = name, args
        if args.config.viewer_arns:
            self._admit("viewers", VIEWERS)
            self._only_dry_runs()
        if args.config.renewal_arns:
            self._admit("renewers", RENEWERS)
        self.register_outputs({})

    def _admit(self, label: str, group: str) -> None:
        rights, cluster = RIGHTS[group], self._args.cluster
        name, role = f"{self._name}-{label}", group.replace(":", "-")
        subjects = [kubernetes.rbac.v1.SubjectArgs(kind="Group", name=group, api_group=RBAC)]
        own = cluster.options(self)
        kubernetes.rbac.v1.ClusterRole(
            name, metadata={"name": role}, rules=_rules(rights.everywhere), opts=own
        )
        kubernetes.rbac.v1.ClusterRoleBinding(
            name,
            metadata={"name": role},
            role_ref=_reference("ClusterRole", role),
            subjects=subjects,
            opts=own,
        )
        namespace = self._args.namespace
        places = [("", namespace.name, rights.namespace), ("-releases", RELEASES, rights.releases)]
        for suffix, place, rules in places:
            if not rules:
                continue
            metadata = kubernetes.meta.v1.ObjectMetaArgs(name=role, namespace=place)
            inside = cluster.options(self, *namespace.after)
            kubernetes.rbac.v1.Role(
                f"{name}{suffix}",
                metadata=metadata,
                rules=_rules(rules),
                opts=inside,
            )
            kubernetes.rbac.v1.RoleBinding(
                f"{name}{suffix}",
                metadata=metadata,
                role_ref=_reference("Role", role),
                subjects=subjects,
                opts=inside,
            )

    def _only_dry_runs(self) -> None:
        """Refuse of viewers whatever would change something.

        A dry run asks for the same rights as the change itself (kubernetes.io, "Validating
        Admission Policy").
        """
        name, policy = f"{self._name}-dry-runs", "kafka-gateway-viewers-dry-run"
        admission = kubernetes.admissionregistration.v1
        everything = admission.NamedRuleWithOperationsArgs(
            api_groups=["*"],
            api_versions=["*"],
            operations=["CREATE", "UPDATE", "DELETE"],
            resources=["*"],
        )
        made = admission.ValidatingAdmissionPolicy(
            name,
            metadata={"name": policy},
            spec=admission.ValidatingAdmissionPolicySpecArgs(
                failure_policy="Fail",
                match_constraints=admission.MatchResourcesArgs(resource_rules=[everything]),
                match_conditions=[
                    admission.MatchConditionArgs(
                        name="viewers", expression=f"'{VIEWERS}' in request.userInfo.groups"
                    )
                ],
                validations=[
                    admission.ValidationArgs(
                        expression="has(request.dryRun) && request.dryRun",
                        message="viewers preview: only dry runs are allowed",
                    )
                ],
            ),
            opts=self._args.cluster.options(self),
        )
        admission.ValidatingAdmissionPolicyBinding(
            name,
            metadata={"name": policy},
            spec=admission.ValidatingAdmissionPolicyBindingSpecArgs(
                policy_name=policy, validation_actions=["Deny"]
            ),
            opts=self._args.cluster.options(self, made),
        )


def _rules(rules: Sequence[ClusterRule]) -> list[kubernetes.rbac.v1.PolicyRuleArgs]:
    return [kubernetes.rbac.v1.PolicyRuleArgs(**rule.as_rbac()) for rule in rules]


def _reference(kind: str, name: str) -> kubernetes.rbac.v1.RoleRefArgs:
    return kubernetes.rbac.v1.RoleRefArgs(api_group=RBAC, kind=kind, name=name)
