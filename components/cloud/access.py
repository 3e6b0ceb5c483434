# SPDX-License-Identifier: Apache-2.0
"""The way to a private Kubernetes endpoint: which networks may connect, and the route between.

A cluster without a public endpoint can only be filled from a network that reaches its own. Both
are made with the cluster, so that the first update reaches it already, without opening the
endpoint to the internet. Its name needs no help: it resolves to the private addresses from anywhere
(Amazon EKS user guide, "Cluster API server endpoint").
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws

from components.cloud.aws import AwsResources
from components.cloud.network import Network
from components.config.kubernetes import PeerConfig

HTTPS = 443


def join_networks(
    peer: PeerConfig, network: Network, resources: AwsResources
) -> list[pulumi.Resource]:
    """Peer with a network that is there already, and route between the two in both directions."""
    name = resources.name
    joined = aws.ec2.VpcPeeringConnection(
        f"{name}-peer",
        vpc_id=network.vpc.id,
        peer_vpc_id=peer.vpc_id,
        # One account and one region: the owner of the other side is the same.
        auto_accept=True,
        tags=resources.tagged("peer"),
        opts=resources.options(),
    )
    # The endpoint's addresses lie in subnets of both kinds, so every table needs the way back.
    ways: list[tuple[str, pulumi.Input[str], str]] = [
        (f"{name}-{label}-peer", table.id, peer.cidr) for label, table in network.tables.items()
    ]
    ways += [(f"{name}-peer-{table}", table, network.cidr) for table in peer.route_table_ids]
    return [
        aws.ec2.Route(
            route,
            route_table_id=table_id,
            destination_cidr_block=destination,
            vpc_peering_connection_id=joined.id,
            opts=resources.options(),
        )
        for route, table_id, destination in ways
    ]


def let_in(
    cidrs: tuple[str, ...], security_group_id: pulumi.Input[str], resources: AwsResources
) -> list[pulumi.Resource]:
    """Let these networks connect to the endpoint; by itself it only answers the nodes."""
    return [
        aws.vpc.SecurityGroupIngressRule(
            f"{resources.name}-from-{cidr.replace('/', '-')}",
            security_group_id=security_group_id,
            description=f"Kubernetes API from {cidr}",
            cidr_ipv4=cidr,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            tags=resources.tagged(f"from-{cidr}"),
            opts=resources.options(),
        )
        for cidr in cidrs
    ]
