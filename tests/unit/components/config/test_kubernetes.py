# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from components.config.kubernetes import EksConfig, ExistingClusterConfig, read_cluster
from components.config.reader import ConfigReader

PEER = {
    "peerVpcId": "vpc-0123456789abcdef0",
    "peerCidr": "192.168.0.0/24",
    "peerRouteTableIds": '["rtb-0123456789abcdef0"]',
}


def cluster(**changes: str) -> EksConfig:
    reader = ConfigReader("prod", changes)
    found = read_cluster(reader)
    reader.done()
    assert isinstance(found, EksConfig)
    return found


def problems(**changes: str) -> str:
    reader = ConfigReader("prod", changes)
    read_cluster(reader)
    return "\n".join(reader.problems)


def test_there_are_as_many_nodes_as_to_start_with_unless_more_are_allowed() -> None:
    assert (cluster(nodes="3").max_nodes, cluster(nodes="3", maxNodes="9").max_nodes) == (3, 9)


def test_the_network_of_the_peer_reaches_the_private_endpoint() -> None:
    found = cluster(**PEER, publicEndpoint="false", privateAccessCidrs='["172.20.0.0/16"]')
    assert found.private_access_cidrs == ("172.20.0.0/16", "192.168.0.0/24")
    assert found.peer is not None
    assert found.peer.route_table_ids == ("rtb-0123456789abcdef0",)


def test_a_cluster_that_is_there_is_known_by_its_kubeconfig_which_never_shows() -> None:
    reader = ConfigReader("prod", {"cluster": "existing", "kubeconfig": "planted"})
    found = read_cluster(reader)
    assert isinstance(found, ExistingClusterConfig)
    assert "planted" not in repr(found)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kubernetesVersion": "1.21"}, "kubernetesVersion: '1.21' is not one of 1."),
        ({"clusterRegion": "us-west"}, "clusterRegion: 'us-west' is no region of AWS"),
        ({"nodes": "0"}, "nodes: 0 is not a whole number from 1 to 450"),
        ({"nodeType": "banana"}, "nodeType: 'banana' is no instance type such as t3.large"),
        (
            {"adminArns": '["arn:aws-cn:iam::123456789012:role/a"]'},
            "adminArns: 'arn:aws-cn:iam::123456789012:role/a' is not the ARN",
        ),
        ({"nodes": "3", "minNodes": "4"}, "minNodes: 4 is more than nodes, 3"),
        ({"nodes": "3", "maxNodes": "2"}, "maxNodes: 2 is less than nodes, 3"),
        ({"vpcCidr": "10.0.0.1/16"}, "vpcCidr: '10.0.0.1/16' is no IPv4 network"),
        ({"vpcCidr": "10.0.0.0/22"}, "vpcCidr: '10.0.0.0/22' is not a network of size"),
        ({"vpcCidr": "52.0.0.0/16"}, "vpcCidr: '52.0.0.0/16' is not private; allowed: within"),
        ({"natGateways": "3"}, "natGateways: 3 is more than zones, 2"),
        ({"zones": "1"}, "zones: 1 is not a whole number from 2 to 6"),
        ({"publicAccessCidrs": '["everyone"]'}, "publicAccessCidrs: 'everyone' is no IPv4 network"),
        (
            {"publicEndpoint": "false"},
            "publicEndpoint: False, and nothing says from where the Kubernetes API is reached; set",
        ),
        (
            {"privateAccessCidrs": '["0.0.0.0/0"]'},
            "privateAccessCidrs: '0.0.0.0/0' is every network; allowed: those that need access",
        ),
        ({"privateAccessCidrs": '["office"]'}, "privateAccessCidrs: 'office' is no IPv4 network"),
        ({"peerCidr": "192.168.0.0/24"}, "peerCidr: without peerVpcId"),
        ({**PEER, "peerVpcId": "shared"}, "peerVpcId: 'shared' is not the id of a VPC such as"),
        ({**PEER, "peerCidr": ""}, "peerCidr: missing; the network of peerVpcId is routed to"),
        ({**PEER, "peerCidr": "10.0.4.0/24"}, "peerCidr: '10.0.4.0/24' overlaps vpcCidr, 10.0.0.0"),
        (
            {**PEER, "peerRouteTableIds": "[]"},
            "peerRouteTableIds: missing; without a route nothing",
        ),
        ({**PEER, "peerRouteTableIds": '["main"]'}, "peerRouteTableIds: 'main' is not the id of a"),
        ({"adminArns": '["me"]'}, "adminArns: 'me' is not the ARN of an IAM role or user"),
        ({"clusterMode": "fargate"}, "clusterMode: 'fargate' is not one of nodegroup, auto"),
        ({"cluster": "existing"}, "kubeconfig: missing; an existing cluster is reached with it"),
    ],
)
def test_a_wrong_value_names_key_value_and_what_is_allowed(
    changes: dict[str, str], said: str
) -> None:
    assert said in problems(**changes)


@pytest.mark.parametrize(
    ("kind", "arm"),
    [
        ("t3.large", False),
        ("m7i-flex.xlarge", False),
        ("g5.2xlarge", False),
        ("p4de.24xlarge", False),
        ("t4g.small", True),
        ("m7gd.metal", True),
        ("im4gn.large", True),
        ("is4gen.medium", True),
        ("g5g.xlarge", True),
        ("a1.large", True),
    ],
)
def test_a_type_says_which_processors_it_has(kind: str, arm: bool) -> None:
    assert cluster(nodeType=kind).arm is arm
