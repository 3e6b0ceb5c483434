# SPDX-License-Identifier: Apache-2.0
"""The network of an EKS cluster: a VPC, its subnets, and the way out of each."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from components.cloud.aws import AwsResources
from components.config.kubernetes import EksConfig
from components.config.network_plan import Subnet, plan_network

ZONES_WITHOUT_EKS = ("use1-az3", "usw1-az2", "cac1-az3")
"""Ids of zones where EKS places no control plane (Amazon EKS user guide, "VPC and subnet
requirements"; pulumi/pulumi-eks#1401)."""


class Network:
    """A VPC with a public and a private subnet in each zone.

    Public subnets are routed to the internet, private ones through a NAT gateway. ``way_out`` is
    what a node needs to reach the internet; ``tables`` are the route tables by label. Of
    ``zones``, those that subnets are in already (``kept``) stay, whatever the list of zones says
    today: it is without those that are impaired.
    """

    def __init__(
        self, resources: AwsResources, config: EksConfig, kept: Sequence[str], *, protect: bool
    ) -> None:
        self._resources, self._config, self._kept = resources, config, kept
        self.plan = plan = plan_network(config.vpc_cidr, config.zones)
        self.cidr = plan.vpc_cidr
        self.vpc = aws.ec2.Vpc(
            f"{resources.name}-vpc",
            cidr_block=plan.vpc_cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=resources.tagged("vpc"),
            opts=resources.options(protect=protect),
        )
        self.zones = self._zone_names()
        self.public = [self._subnet(subnet) for subnet in plan.public]
        self.private = [self._subnet(subnet) for subnet in plan.private]
        self.tables: dict[str, aws.ec2.RouteTable] = {}
        self.way_out = self._routes()

    def _zone_names(self) -> pulumi.Output[list[str]]:
        wanted, kept = self._config, list(self._kept)
        if len(kept) >= wanted.zones:
            return pulumi.Output.from_input(kept)
        zones = aws.get_availability_zones_output(
            state="available",
            # Local and wavelength zones must be opted into, and EKS cannot use them.
            filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
            exclude_zone_ids=list(ZONES_WITHOUT_EKS),
            opts=pulumi.InvokeOptions(
                parent=self._resources.parent, provider=self._resources.provider
            ),
        )
        return zones.names.apply(
            lambda names: choose_zones(names, wanted.zones, wanted.region, kept)
        )

    def _subnet(self, subnet: Subnet) -> aws.ec2.Subnet:
        side = "public" if subnet.public else "private"
        role = "kubernetes.io/role/elb" if subnet.public else "kubernetes.io/role/internal-elb"
        return aws.ec2.Subnet(
            f"{self._resources.name}-{side}-{subnet.zone}",
            vpc_id=self.vpc.id,
            cidr_block=subnet.cidr,
            availability_zone=self.zones.apply(lambda names: names[subnet.zone]),
            map_public_ip_on_launch=subnet.public,
            tags=self._resources.tagged(f"{side}-{subnet.zone}", **{role: "1"}),
            opts=self._resources.options(),
        )

    def _routes(self) -> list[pulumi.Resource]:
        gateway = aws.ec2.InternetGateway(
            f"{self._resources.name}-internet",
            vpc_id=self.vpc.id,
            tags=self._resources.tagged("internet"),
            opts=self._resources.options(),
        )
        made = self._route_table("public", self.public, gateway_id=gateway.id)
        nats = [self._nat(zone, gateway) for zone in range(self._config.nat_gateways)]
        for zone, subnet in enumerate(self.private):
            nat = nats[zone % len(nats)]
            made += self._route_table(f"private-{zone}", [subnet], nat_gateway_id=nat.id)
        return made

    def _nat(self, zone: int, gateway: aws.ec2.InternetGateway) -> aws.ec2.NatGateway:
        name = f"{self._resources.name}-nat-{zone}"
        address = aws.ec2.Eip(
            name,
            domain="vpc",
            tags=self._resources.tagged(f"nat-{zone}"),
            opts=self._resources.options(depends_on=[gateway]),
        )
        return aws.ec2.NatGateway(
            name,
            subnet_id=self.public[zone].id,
            allocation_id=address.id,
            tags=self._resources.tagged(f"nat-{zone}"),
            opts=self._resources.options(depends_on=[gateway]),
        )

    def _route_table(
        self,
        label: str,
        subnets: Sequence[aws.ec2.Subnet],
        gateway_id: pulumi.Input[str] | None = None,
        nat_gateway_id: pulumi.Input[str] | None = None,
    ) -> list[pulumi.Resource]:
        name = f"{self._resources.name}-{label}"
        self.tables[label] = table = aws.ec2.RouteTable(
            name,
            vpc_id=self.vpc.id,
            tags=self._resources.tagged(label),
            opts=self._resources.options(),
        )
        route = aws.ec2.Route(
            f"{name}-out",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway_id,
            nat_gateway_id=nat_gateway_id,
            opts=self._resources.options(),
        )
        joined = [
            aws.ec2.RouteTableAssociation(
                f"{name}-{place}",
                route_table_id=table.id,
                subnet_id=subnet.id,
                opts=self._resources.options(),
            )
            for place, subnet in enumerate(subnets)
        ]
        return [route, *joined]


def choose_zones(
    names: Sequence[str], count: int, region: str, kept: Sequence[str] = ()
) -> list[str]:
    """Return ``kept`` and, up to ``count``, the first others by name.

    So neither the order of an answer nor a zone that is missing from it moves anything. Raises
    ``pulumi.RunError`` when the region has fewer.
    """
    others = sorted(set(names) - set(kept))
    if len(kept) + len(others) < count:
        raise pulumi.RunError(
            f"zones: {count} are more than {region} has for this account: "
            f"{', '.join(sorted({*kept, *names}))}"
        )
    return [*kept, *others][:count]
