# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from components.cloud.stack import make_cluster
from tests.support.cloud import PEER, of, stand_up_part
from tests.support.registrations import Registration


def cluster(stack: str, **changes: Any) -> list[Registration]:
    return stand_up_part(make_cluster, stack, **changes)


@pytest.fixture(scope="module")
def prod() -> list[Registration]:
    return cluster("prod")


@pytest.fixture(scope="module")
def konnect() -> list[Registration]:
    return cluster("konnect")


INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


def test_a_private_endpoint_is_reached_from_the_peers_network_from_the_first_update_on(
    prod: list[Registration],
) -> None:
    (peering,) = of(prod, "aws:ec2/vpcPeeringConnection:VpcPeeringConnection").values()
    assert peering.inputs["peerVpcId"] == PEER["peerVpcId"]
    assert peering.inputs["autoAccept"] is True
    routes = of(prod, "aws:ec2/route:Route")
    back = {name for name, one in routes.items() if one.inputs.get("vpcPeeringConnectionId")}
    there = "cluster-peer-rtb-0123456789abcdef0"
    assert back == {there, "cluster-public-peer", *(f"cluster-private-{n}-peer" for n in range(3))}
    assert routes[there].inputs["destinationCidrBlock"] == "10.30.0.0/16"
    assert routes["cluster-private-0-peer"].inputs["destinationCidrBlock"] == PEER["peerCidr"]
    (rule,) = of(prod, INGRESS).values()
    assert (rule.inputs["cidrIpv4"], rule.inputs["fromPort"]) == (PEER["peerCidr"], 443)
    (provider,) = of(prod, "pulumi:providers:kubernetes").values()
    for name in (*back, rule.name):
        assert provider.depends_on(name), "what is in the cluster comes after the way to it"


def test_networks_that_are_joined_already_are_let_in_and_nothing_is_peered() -> None:
    cidrs = ["172.20.0.0/16", "10.99.0.0/24"]
    found = cluster(
        "prod", peerVpcId="", peerCidr="", peerRouteTableIds=[], privateAccessCidrs=cidrs
    )
    rules = of(found, INGRESS)
    assert [one.inputs["cidrIpv4"] for one in rules.values()] == sorted(cidrs)
    assert not of(found, "aws:ec2/vpcPeeringConnection:VpcPeeringConnection")


def test_a_public_endpoint_needs_no_way_in(konnect: list[Registration]) -> None:
    assert of(konnect, INGRESS) == {}
