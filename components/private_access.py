# SPDX-License-Identifier: Apache-2.0
"""The way to a private Kubernetes endpoint: who may connect, and over which network they come.

A cluster without a public endpoint can only be filled from a network that reaches its own. Both
are made with the cluster, so that the first update gets in already, and nobody opens the endpoint
to the internet for it. Its name needs no help: it resolves to the private addresses from anywhere
(Amazon EKS user guide, "Cluster API server endpoint").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.config.kubernetes import PeerConfig

HTTPS = 443


@dataclass(frozen=True)
class Surroundings:
    """What the way is made in: the cluster's network, and how its resources are made."""

    name: str
    vpc_id: pulumi.Input[str]
    vpc_cidr: str
    tables: Mapping[str, aws.ec2.RouteTable]
    tagged: Callable[[str], dict[str, str]]
    options: Callable[[], pulumi.ResourceOptions]


def join_networks(peer: PeerConfig, around: Surroundings) -> list[pulumi.Resource]:
    """Peer with a network that is there already, and route between the two in both directions."""
    name, made = around.name, list[pulumi.Resource]()
    joined = aws.ec2.VpcPeeringConnection(
        f"{name}-peer",
        vpc_id=around.vpc_id,
        peer_vpc_id=peer.vpc_id,
        # One account and one region: nobody else has to agree.
        auto_accept=True,
        tags=around.tagged("peer"),
        opts=around.options(),
    )
    # The endpoint's addresses lie in subnets of both kinds, so every table needs the way back.
    for label, table in around.tables.items():
        made.append(_route(f"{name}-{label}-peer", table.id, peer.cidr, joined, around))
    for table_id in peer.route_table_ids:
        made.append(_route(f"{name}-peer-{table_id}", table_id, around.vpc_cidr, joined, around))
    return made


def _route(
    name: str,
    table_id: pulumi.Input[str],
    destination: str,
    joined: aws.ec2.VpcPeeringConnection,
    around: Surroundings,
) -> pulumi.Resource:
    return aws.ec2.Route(
        name,
        route_table_id=table_id,
        destination_cidr_block=destination,
        vpc_peering_connection_id=joined.id,
        opts=around.options(),
    )


def let_in(
    cidrs: tuple[str, ...], security_group_id: pulumi.Input[str], around: Surroundings
) -> list[pulumi.Resource]:
    """Let these networks connect to the endpoint; by itself it only answers the nodes."""
    return [
        aws.vpc.SecurityGroupIngressRule(
            f"{around.name}-from-{cidr.replace('/', '-')}",
            security_group_id=security_group_id,
            description=f"Kubernetes API from {cidr}",
            cidr_ipv4=cidr,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            tags=around.tagged(f"from-{cidr}"),
            opts=around.options(),
        )
        for cidr in cidrs
    ]
