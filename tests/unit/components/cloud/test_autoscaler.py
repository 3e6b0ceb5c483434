# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

from components.cloud.autoscaler import rights_for
from components.cloud.stack import make_cluster
from tests.support.cloud import of, stand_up_part

RELEASE = "kubernetes:helm.sh/v3:Release"


def test_limits_that_differ_bring_what_acts_on_them() -> None:
    found = stand_up_part(make_cluster, "prod")
    (one,) = of(found, RELEASE).values()
    assert one.inputs["namespace"] == "kube-system"
    assert one.inputs["values"]["autoDiscovery"] == {"clusterName": "kafka-gateway-prod"}
    assert one.inputs["values"]["image"] == {"tag": "v1.35.0"}, "the minor version of Kubernetes"
    (identity,) = of(found, "aws:eks/podIdentityAssociation:PodIdentityAssociation").values()
    account = one.inputs["values"]["rbac"]["serviceAccount"]["name"]
    assert identity.inputs["serviceAccount"] == account
    assert one.depends_on(identity.name)


def test_where_nothing_varies_nothing_acts() -> None:
    assert not of(stand_up_part(make_cluster, "prod", maxNodes=3), RELEASE)
    assert not of(stand_up_part(make_cluster, "prod", clusterMode="auto"), RELEASE)


def test_it_sizes_its_own_clusters_groups_only() -> None:
    _, write = json.loads(rights_for("one"))["Statement"]
    assert write["Condition"] == {
        "StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/one": "owned"}
    }
