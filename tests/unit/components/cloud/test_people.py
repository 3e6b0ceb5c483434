# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from components.config.access_roles import VIEWERS
from tests.support.cloud import of, stand_up

VIEWER = "arn:aws:iam::123456789012:role/preview"
RENEWER = "arn:aws:iam::123456789012:role/renewal"
RBAC = "kubernetes:rbac.authorization.k8s.io/v1:"
ADMISSION = "kubernetes:admissionregistration.k8s.io/v1:"


def test_nobody_named_is_nobody_with_rights() -> None:
    assert not of(stand_up("dev"), "kafka-gateway:eks:ClusterPeople")


def test_viewers_are_bound_to_their_roles_and_held_to_dry_runs() -> None:
    found = stand_up("dev", viewerArns=[VIEWER])
    for binding in of(found, f"{RBAC}RoleBinding").values():
        (subject,) = binding.inputs["subjects"]
        assert (subject["kind"], subject["name"]) == ("Group", VIEWERS)
    places = {one.inputs["metadata"]["namespace"] for one in of(found, f"{RBAC}Role").values()}
    assert places == {"kong-dp", "kube-system"}
    (policy,) = of(found, f"{ADMISSION}ValidatingAdmissionPolicy").values()
    spec = policy.inputs["spec"]
    assert spec["failurePolicy"] == "Fail"
    assert VIEWERS in spec["matchConditions"][0]["expression"]
    (binding,) = of(found, f"{ADMISSION}ValidatingAdmissionPolicyBinding").values()
    assert binding.inputs["spec"]["validationActions"] == ["Deny"]


def test_renewals_write_in_the_stacks_namespace_only() -> None:
    found = stand_up("dev", renewalArns=[RENEWER])
    (role,) = of(found, f"{RBAC}Role").values()
    assert role.inputs["metadata"]["namespace"] == "kong-dp"
    (everywhere,) = of(found, f"{RBAC}ClusterRole").values()
    assert {verb for rule in everywhere.inputs["rules"] for verb in rule["verbs"]} == {
        "get",
        "list",
        "watch",
    }
    assert not of(found, f"{ADMISSION}ValidatingAdmissionPolicy")
