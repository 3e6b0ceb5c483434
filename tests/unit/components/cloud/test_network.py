# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pulumi
import pytest

from components.cloud.network import choose_zones
from components.cloud.stack import make_cluster
from tests.support.cloud import of, stand_up_part
from tests.support.registrations import Registration


def cluster(stack: str, **changes: Any) -> list[Registration]:
    return stand_up_part(make_cluster, stack, **changes)


@pytest.fixture(scope="module")
def prod() -> list[Registration]:
    return cluster("prod")


def test_subnets_lie_in_different_zones_and_say_what_they_are_for(prod: list[Registration]) -> None:
    subnets = of(prod, "aws:ec2/subnet:Subnet")
    assert len(subnets) == 6
    zones = [subnets[f"cluster-private-{n}"].inputs["availabilityZone"] for n in range(3)]
    assert zones == ["us-east-2a", "us-east-2b", "us-east-2c"]
    assert subnets["cluster-public-0"].inputs["tags"]["kubernetes.io/role/elb"] == "1"
    assert subnets["cluster-private-0"].inputs["tags"]["kubernetes.io/role/internal-elb"] == "1"


def test_prod_survives_the_loss_of_a_zone_and_dev_saves_the_gateways(
    prod: list[Registration],
) -> None:
    assert len(of(prod, "aws:ec2/natGateway:NatGateway")) == 3
    assert len(of(cluster("dev"), "aws:ec2/natGateway:NatGateway")) == 1


def test_too_few_zones_are_said_by_name() -> None:
    with pytest.raises(pulumi.RunError, match="zones: 3 are more than us-west-1 has"):
        choose_zones(["us-west-1c", "us-west-1a"], 3, "us-west-1")


def test_the_order_of_answers_changes_nothing() -> None:
    assert choose_zones(["b", "c", "a"], 2, "r") == ["a", "b"]
