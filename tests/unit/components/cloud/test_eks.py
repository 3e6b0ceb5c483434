# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from components.cloud.eks import access_entries
from components.cloud.stack import make_cluster
from tests.support.cloud import of, stand_up_part
from tests.support.registrations import Registration


def cluster(stack: str, **changes: Any) -> list[Registration]:
    return stand_up_part(make_cluster, stack, **changes)


@pytest.fixture(scope="module")
def prod() -> list[Registration]:
    return cluster("prod")


@pytest.fixture(scope="module")
def konnect() -> list[Registration]:
    return cluster("konnect")


def eks(found: list[Registration]) -> Registration:
    (one,) = of(found, "eks:index:Cluster").values()
    return one


def test_the_cluster_is_the_one_that_was_made_by_hand(konnect: list[Registration]) -> None:
    assert eks(konnect).inputs["name"] == "konnect-dataplane"
    (provider,) = of(konnect, "pulumi:providers:aws").values()
    assert provider.inputs["region"] == "us-west-1"
    (nodes,) = of(konnect, "aws:eks/nodeGroup:NodeGroup").values()
    assert "nodeGroupName" not in nodes.inputs, "a named group is deleted before its successor is"
    assert nodes.inputs["instanceTypes"] == ["t3.large"]
    assert nodes.inputs["scalingConfig"]["desiredSize"] == 1


def test_the_version_is_pinned_and_people_get_in_by_access_entries() -> None:
    arn = "arn:aws:iam::123456789012:role/ops"
    one = eks(cluster("dev", adminArns=[arn]))
    assert one.inputs["version"] == "1.35"
    assert one.inputs["authenticationMode"] == "API"
    assert one.inputs["accessEntries"]["123456789012/role/ops"]["principalArn"] == arn
    assert one.inputs["upgradePolicy"] == {"supportType": "STANDARD"}


def test_the_kubernetes_api_of_prod_is_private_and_its_cluster_protected(
    prod: list[Registration],
) -> None:
    one = eks(prod)
    assert one.inputs["endpointPublicAccess"] is False
    assert one.inputs["endpointPrivateAccess"] is True
    assert one.protect
    assert one.inputs["deletionProtection"] is True
    (vpc,) = of(prod, "aws:ec2/vpc:Vpc").values()
    assert vpc.protect


def test_a_kubeconfig_never_leaves_as_plain_text(prod: list[Registration]) -> None:
    assert {"kubeconfig", "kubeconfigJson"} <= set(eks(prod).secret_outputs)
    (provider,) = of(prod, "pulumi:providers:kubernetes").values()
    assert provider.is_secret("kubeconfig")
    assert provider.inputs["clusterIdentifier"] == "https://abc.eks.example.com"
    assert provider.deleted_with.endswith("::cluster")


def test_nodes_wait_for_their_rights_and_leave_scaling_to_the_autoscaler(
    prod: list[Registration],
) -> None:
    (nodes,) = of(prod, "aws:eks/nodeGroup:NodeGroup").values()
    for policy in ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy"):
        assert nodes.depends_on(f"cluster-nodes-{policy}")
    assert nodes.ignore_changes == ("scalingConfig.desiredSize",)
    assert nodes.depends_on("cluster"), "or the cluster goes before its nodes"


def test_the_cluster_waits_for_the_way_out(prod: list[Registration]) -> None:
    assert eks(prod).depends_on("cluster-private-0-out")
    assert eks(prod).timeouts["create"] == "60m"


def test_auto_mode_needs_no_nodes_and_measurements_only() -> None:
    found = cluster("dev", clusterMode="auto")
    assert eks(found).inputs["autoMode"]["enabled"] is True
    assert not of(found, "aws:eks/nodeGroup:NodeGroup")
    assert set(of(found, "aws:eks/addon:Addon")) == {"cluster-metrics"}


def test_the_order_of_people_changes_nothing_and_nobody_is_lost() -> None:
    arns = [
        "arn:aws:iam::123456789012:role/team-b/admin",
        "arn:aws:iam::123456789012:role/team-a/admin",
        "arn:aws:iam::123456789012:user/admin",
        "arn:aws:iam::210987654321:role/admin",
    ]
    entries = access_entries([*arns, arns[0]])
    assert list(entries) == [
        "123456789012/role/team-a/admin",
        "123456789012/role/team-b/admin",
        "123456789012/user/admin",
        "210987654321/role/admin",
    ]
    assert {entry.principal_arn for entry in entries.values()} == set(arns)
