# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from components.cloud.stack import make_cluster
from tests.support.cloud import of, stand_up_part


def test_what_eks_runs_is_managed_at_versions_that_the_plan_names() -> None:
    addons = of(stand_up_part(make_cluster, "prod"), "aws:eks/addon:Addon")
    assert {one.inputs["addonName"] for one in addons.values()} == {
        "vpc-cni",
        "kube-proxy",
        "coredns",
        "eks-pod-identity-agent",
        "aws-ebs-csi-driver",
        "metrics-server",
    }
    assert {one.inputs["addonVersion"] for one in addons.values()} == {"v1.2.3-eksbuild.1"}


def test_what_runs_on_nodes_waits_for_them() -> None:
    addons = of(stand_up_part(make_cluster, "prod"), "aws:eks/addon:Addon")
    for name in ("coredns", "pod-identity"):
        assert addons[f"cluster-{name}"].depends_on("cluster-nodes")
    assert addons["cluster-metrics"].depends_on("cluster-coredns")
    for name in ("vpc-cni", "kube-proxy"):
        assert not addons[f"cluster-{name}"].depends_on("cluster-nodes")
        assert addons[f"cluster-{name}"].depends_on("cluster")
