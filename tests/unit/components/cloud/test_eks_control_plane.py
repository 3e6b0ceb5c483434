# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

from components.cloud.eks_control_plane import NO_LOGS_OF_ITS_OWN, ROLE_POLICIES
from components.cloud.stack import make_cluster
from tests.support.cloud import of, stand_up_part


def test_the_log_is_there_before_the_cluster_with_a_retention() -> None:
    found = stand_up_part(make_cluster, "dev", clusterLogDays=7)
    (log,) = of(found, "aws:cloudwatch/logGroup:LogGroup").values()
    assert log.inputs["name"] == "/aws/eks/kafka-gateway-dev/cluster"
    assert log.inputs["retentionInDays"] == 7
    assert of(found, "eks:index:Cluster")["cluster"].depends_on(log.name)


def test_a_control_plane_may_not_make_its_log_again() -> None:
    found = stand_up_part(make_cluster, "dev")
    policy = of(found, "aws:iam/rolePolicy:RolePolicy")["cluster-control-no-logs"]
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "logs:CreateLogGroup")
    assert policy.inputs["policy"] == NO_LOGS_OF_ITS_OWN
    assert of(found, "eks:index:Cluster")["cluster"].depends_on(policy.name)


def test_in_auto_mode_the_role_may_make_what_eks_makes_there() -> None:
    found = stand_up_part(make_cluster, "dev", clusterMode="auto")
    attached = of(found, "aws:iam/rolePolicyAttachment:RolePolicyAttachment")
    mine = {n.removeprefix("cluster-control-") for n in attached if n.startswith("cluster-control")}
    assert mine == set(ROLE_POLICIES["auto"])
    trust = json.loads(of(found, "aws:iam/role:Role")["cluster-control"].inputs["assumeRolePolicy"])
    assert "sts:TagSession" in trust["Statement"][0]["Action"]
