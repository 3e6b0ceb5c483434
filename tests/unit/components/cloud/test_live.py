# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.cloud.live import READ, LiveCluster, LiveStack, live_cluster
from tests.support.registrations import register, secret


def test_the_state_is_asked_for_by_the_stacks_whole_name() -> None:
    asked: list[dict[str, Any]] = []
    found: list[LiveStack] = []

    def answer(kind: str, name: str, inputs: dict[str, Any]) -> Mapping[str, Any]:
        assert kind == READ
        asked.append(inputs)
        key = "urn:pulumi:dev::kafka-gateway::a:b:C$aws:ec2/vpc:Vpc::cluster-vpc"
        outputs = {"cidrBlock": "10.0.0.0/16", "hidden": secret("word")}
        return {"outputs": {key: {"type": "aws:ec2/vpc:Vpc", "outputs": outputs}}}

    register(lambda: found.append(LiveStack.of_this_run()), answer, stack="dev")
    assert asked == [{"stackName": "organization/kafka-gateway/dev"}]
    assert found[0].one("aws:ec2/vpc:Vpc")["cidrBlock"] == "10.0.0.0/16"
    assert found[0].all("aws:ec2/vpc:Vpc").keys() == {"cluster-vpc"}
    assert found[0].one("aws:ec2/subnet:Subnet") == {}


def test_a_cluster_is_as_much_as_was_made_of_it() -> None:
    subnets = {f"cluster-public-{n}": {"availabilityZone": f"z{n}"} for n in (1, 0)}
    there = LiveStack(
        {
            "pulumi:providers:aws": {"cluster-aws": {"region": "us-east-2"}},
            "aws:ec2/subnet:Subnet": {**subnets, "cluster-private-0": {"availabilityZone": "z0"}},
        }
    )
    assert live_cluster(there, "cluster", "us-east-2") == LiveCluster(zones=("z0", "z1"))
    assert live_cluster(there, "cluster", "eu-west-1") == LiveCluster()
