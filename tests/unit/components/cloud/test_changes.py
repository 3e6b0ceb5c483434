# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from components.cloud.changes import refuse_changes
from components.cloud.live import LiveStack
from components.config.cloud import read_cloud
from components.config.reader import ConfigError
from tests.support.cloud import reader


def live(
    version: str = "1.34",
    zones: int = 3,
    kind: str = "basic",
    nodes: str = "",
    region: str = "us-east-2",
) -> LiveStack:
    group = {
        "nodeGroupName": "nodes-1",
        "version": nodes,
        "scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 1},
    }
    return LiveStack(
        {
            "pulumi:providers:aws": {"cluster-aws": {"region": region}},
            "aws:ec2/vpc:Vpc": {"cluster-vpc": {"cidrBlock": "10.10.0.0/16"}},
            "aws:eks/cluster:Cluster": {
                "cluster-eksCluster": {
                    "name": "kafka-gateway-dev",
                    "version": version,
                    "vpcConfig": {"subnetIds": [str(n) for n in range(2 * zones)]},
                }
            },
            "aws:eks/nodeGroup:NodeGroup": {"cluster-nodes": group},
            "confluentcloud:index/kafkaCluster:KafkaCluster": {"kafka-cluster": {kind: {}}},
        }
    )


def problems(there: LiveStack, **changes: Any) -> list[str]:
    given = reader("dev", zones=3, **changes)
    try:
        refuse_changes(given, read_cloud(given), there)
    except ConfigError as error:
        return error.problems
    return []


@pytest.mark.parametrize(("version", "wanted"), [("1.34", "1.34"), ("1.34", "1.35")])
def test_the_next_version_is_allowed(version: str, wanted: str) -> None:
    assert problems(live(version), kubernetesVersion=wanted) == []


@pytest.mark.parametrize(
    ("version", "wanted", "said"),
    [
        ("1.33", "1.35", "more than one minor version from the cluster's, 1.33; allowed: 1.34"),
        ("1.33", "1.36", "more than one minor version from the cluster's, 1.33; allowed: 1.34"),
        ("1.36", "1.35", "older than the cluster's, 1.36, and EKS never goes back"),
    ],
)
def test_another_version_is_refused_with_the_next_step(
    version: str, wanted: str, said: str
) -> None:
    (problem,) = problems(live(version), kubernetesVersion=wanted)
    assert said in problem


def test_nodes_follow_before_the_cluster_goes_on() -> None:
    (problem,) = problems(live("1.34", nodes="1.33"), kubernetesVersion="1.35")
    assert "nodes still run 1.33 on a cluster of 1.34; set 1.34 and update first" in problem
    assert problems(live("1.34", nodes="1.33"), kubernetesVersion="1.34") == []


def test_a_cluster_leaves_no_zone() -> None:
    assert problems(live(zones=2), kubernetesVersion="1.34") == []
    there = live(zones=4)
    (problem,) = problems(there, kubernetesVersion="1.34")
    assert problem.startswith("zones: 3 is less than the 4 that the cluster was made in")


def test_everything_wrong_is_told_at_once() -> None:
    found = problems(live(), kubernetesVersion="1.36", clusterMode="auto", vpcCidr="10.40.0.0/16")
    assert [problem.partition(":")[0] for problem in found] == [
        "vpcCidr",
        "kubernetesVersion",
        "clusterMode",
    ]


def test_a_cluster_keeps_its_name() -> None:
    (problem,) = problems(live(), kubernetesVersion="1.34", clusterName="other")
    assert problem.startswith("clusterName: 'other' in place of kafka-gateway-dev: everything")


def test_in_another_region_everything_is_new() -> None:
    there = live(region="us-west-2")
    assert problems(there, kubernetesVersion="1.36", vpcCidr="10.40.0.0/16") == []


ALLOWED = {("basic", "standard"), ("basic", "basic"), ("standard", "standard")}


@pytest.mark.parametrize("kind", ["basic", "standard", "dedicated"])
@pytest.mark.parametrize("wanted", ["basic", "standard", "dedicated"])
def test_only_basic_becomes_another_type(kind: str, wanted: str) -> None:
    cku = 1 if wanted == "dedicated" else 0
    found = problems(
        live(kind=kind), kubernetesVersion="1.34", confluentClusterType=wanted, confluentCku=cku
    )
    if kind == wanted or (kind, wanted) in ALLOWED:
        assert found == []
    else:
        (problem,) = found
        assert f"confluentClusterType: {wanted!r} in place of {kind}" in problem
        assert "a second stack" in problem


def test_a_stack_that_is_not_there_refuses_nothing() -> None:
    assert problems(LiveStack({}), kubernetesVersion="1.36", clusterMode="auto") == []
