# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pulumi
import pytest

from components.cloud.aws import trust
from components.cloud.eks import access_entries
from components.cloud.network import choose_zones
from tests.support.cloud import PEER, of, stand_up
from tests.support.registrations import Registration


@pytest.fixture(scope="module")
def prod() -> list[Registration]:
    return stand_up("prod")


@pytest.fixture(scope="module")
def konnect() -> list[Registration]:
    return stand_up("konnect")


def cluster(found: list[Registration]) -> Registration:
    (one,) = of(found, "eks:index:Cluster").values()
    return one


def test_the_cluster_is_the_one_of_the_story(konnect: list[Registration]) -> None:
    assert cluster(konnect).inputs["name"] == "konnect-dataplane"
    (provider,) = of(konnect, "pulumi:providers:aws").values()
    assert provider.inputs["region"] == "us-west-1"
    (nodes,) = of(konnect, "aws:eks/nodeGroup:NodeGroup").values()
    assert nodes.inputs["nodeGroupName"] == "standard-workers"
    assert nodes.inputs["instanceTypes"] == ["t3.large"]
    assert nodes.inputs["scalingConfig"]["desiredSize"] == 1


def test_everything_of_aws_is_below_the_component_with_its_provider_and_tags(
    prod: list[Registration],
) -> None:
    mine = [one for one in prod if one.type.startswith("aws:")]
    assert mine
    for one in mine:
        assert one.parent.endswith("::cluster"), one.name
        assert "::cluster-aws" in one.provider
        if "tags" in one.inputs:
            assert one.inputs["tags"]["stack"] == "prod"
            assert one.inputs["tags"]["project"] == "kafka-gateway"


def test_the_version_is_pinned_and_people_get_in_by_access_entries() -> None:
    arn = "arn:aws:iam::123456789012:role/ops"
    one = cluster(stand_up("dev", adminArns=[arn]))
    assert one.inputs["version"] == "1.35"
    assert one.inputs["authenticationMode"] == "API"
    assert one.inputs["accessEntries"]["ops"]["principalArn"] == arn
    assert one.inputs["upgradePolicy"] == {"supportType": "STANDARD"}


def test_the_kubernetes_api_of_prod_is_private_and_its_cluster_protected(
    prod: list[Registration],
) -> None:
    one = cluster(prod)
    assert one.inputs["endpointPublicAccess"] is False
    assert one.inputs["endpointPrivateAccess"] is True
    assert one.protect
    assert one.inputs["deletionProtection"] is True
    (vpc,) = of(prod, "aws:ec2/vpc:Vpc").values()
    assert vpc.protect


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
        assert provider.depends_on(name), "whatever is in the cluster comes after the way to it"


def test_networks_that_are_joined_already_are_let_in_and_nothing_is_peered() -> None:
    cidrs = ["172.20.0.0/16", "10.99.0.0/24"]
    found = stand_up(
        "prod", peerVpcId="", peerCidr="", peerRouteTableIds=[], privateAccessCidrs=cidrs
    )
    rules = of(found, INGRESS)
    assert [one.inputs["cidrIpv4"] for one in rules.values()] == sorted(cidrs)
    assert not of(found, "aws:ec2/vpcPeeringConnection:VpcPeeringConnection")


def test_a_public_endpoint_needs_no_way_in(konnect: list[Registration]) -> None:
    assert of(konnect, INGRESS) == {}


def test_a_kubeconfig_never_leaves_as_plain_text(prod: list[Registration]) -> None:
    assert {"kubeconfig", "kubeconfigJson"} <= set(cluster(prod).secret_outputs)
    (provider,) = of(prod, "pulumi:providers:kubernetes").values()
    assert provider.is_secret("kubeconfig")
    assert provider.inputs["clusterIdentifier"] == "kafka-gateway-prod"
    assert provider.deleted_with.endswith("::cluster")


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
    assert len(of(stand_up("dev"), "aws:ec2/natGateway:NatGateway")) == 1


def test_nodes_wait_for_their_rights_and_leave_scaling_to_the_autoscaler(
    prod: list[Registration],
) -> None:
    (nodes,) = of(prod, "aws:eks/nodeGroup:NodeGroup").values()
    for policy in ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy"):
        assert nodes.depends_on(f"cluster-nodes-{policy}")
    assert nodes.ignore_changes == ("scalingConfig.desiredSize",)
    assert nodes.depends_on("cluster"), "or the cluster goes before its nodes"


def test_the_cluster_waits_for_the_way_out(prod: list[Registration]) -> None:
    assert cluster(prod).depends_on("cluster-private-0-out")
    assert cluster(prod).timeouts["create"] == "60m"


def test_auto_mode_needs_neither_nodes_nor_addons() -> None:
    found = stand_up("dev", clusterMode="auto")
    assert cluster(found).inputs["autoMode"]["enabled"] is True
    assert not of(found, "aws:eks/nodeGroup:NodeGroup")
    assert not of(found, "aws:eks/addon:Addon")
    (storage,) = of(found, "kubernetes:storage.k8s.io/v1:StorageClass").values()
    assert storage.inputs["provisioner"] == "ebs.csi.eks.amazonaws.com"
    proxy = of(found, "kubernetes:helm.sh/v3:Release")["data-plane"].inputs["values"]["proxy"]
    assert proxy["loadBalancerClass"] == "eks.amazonaws.com/nlb"


def test_an_existing_cluster_makes_nothing_in_a_cloud() -> None:
    found = stand_up("dev", cluster="existing", kubeconfig="{}", clusterIdentifier="theirs")
    assert not [one for one in found if one.type.startswith(("aws:", "eks:"))]
    (provider,) = of(found, "pulumi:providers:kubernetes").values()
    assert provider.is_secret("kubeconfig")
    assert provider.inputs["clusterIdentifier"] == "theirs"


def test_too_few_zones_are_said_by_name() -> None:
    with pytest.raises(pulumi.RunError, match="zones: 3 are more than us-west-1 has"):
        choose_zones(["us-west-1c", "us-west-1a"], 3, "us-west-1")


def test_the_order_of_answers_and_of_people_changes_nothing() -> None:
    assert choose_zones(["b", "c", "a"], 2, "r") == ["a", "b"]
    arns = [f"arn:aws:iam::123456789012:role/{name}" for name in ("b", "a")]
    assert list(access_entries(arns)) == ["a", "b"]


def test_a_role_is_taken_by_its_service_only() -> None:
    (statement,) = json.loads(trust("ec2.amazonaws.com"))["Statement"]
    assert statement["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert statement["Action"] == ["sts:AssumeRole"]
    (pods,) = json.loads(trust("pods.eks.amazonaws.com"))["Statement"]
    assert "sts:TagSession" in pods["Action"]
