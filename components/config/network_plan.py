# SPDX-License-Identifier: Apache-2.0
"""Plans a VPC: which subnet of which size lies in which zone. No resources, only arithmetic.

Private subnets hold nodes and pods (on EKS every pod has an address of its own), public ones only
load balancers and NAT gateways, so the private ones get nearly everything. Of the upper half of a
zone's block all but that is free: a subnet cannot grow, but one more can be added. Zones are cut
from the VPC in a fixed order, so a further zone moves nothing.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

MAX_ZONES = 6
"""No region has more availability zones; the VPC is cut for this many whatever is used now."""
LARGEST_VPC, SMALLEST_VPC = 16, 21
"""Prefix lengths: AWS allows /16 to /28; below /21 the public subnets would be smaller than /28."""
PRIVATE_RANGES = tuple(
    ipaddress.IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
# RFC 6598, what EKS hands to pods in custom networking and carriers hand to customers.
SHARED_RANGE = ipaddress.IPv4Network("100.64.0.0/10")
SERVICE_RANGES = (ipaddress.IPv4Network("172.17.0.0/16"),)
"""Docker's default bridge on the nodes: an overlap breaks them (EKS best practices)."""


@dataclass(frozen=True)
class Subnet:
    """One planned subnet; ``zone`` counts from 0."""

    zone: int
    cidr: str
    public: bool


@dataclass(frozen=True)
class NetworkPlan:
    """A VPC and its subnets, zone by zone."""

    vpc_cidr: str
    subnets: tuple[Subnet, ...]

    @property
    def public(self) -> tuple[Subnet, ...]:
        """The subnets for load balancers and NAT gateways."""
        return tuple(subnet for subnet in self.subnets if subnet.public)

    @property
    def private(self) -> tuple[Subnet, ...]:
        """The subnets for nodes and pods."""
        return tuple(subnet for subnet in self.subnets if not subnet.public)


class NetworkPlanError(ValueError):
    """No plan for these inputs; the text names the value and what is allowed."""


def plan_network(vpc_cidr: str, zones: int) -> NetworkPlan:
    """Return the plan for ``zones`` zones, each with a public and a private subnet.

    The VPC is cut into eight equal blocks, one a zone and two spare. Of a block the lower half is
    the private subnet; the public one is the sixteenth after it.

    Raises:
        NetworkPlanError: not a private IPv4 network from /16 to /21, or not 2 to 6 zones.
    """
    network = _checked(vpc_cidr)
    if not 2 <= zones <= MAX_ZONES:
        raise NetworkPlanError(f"zones: {zones} is not from 2 (EKS needs two) to {MAX_ZONES}")
    subnets: list[Subnet] = []
    for zone, block in enumerate(list(network.subnets(prefixlen_diff=3))[:zones]):
        private, upper = block.subnets(prefixlen_diff=1)
        public = next(upper.subnets(prefixlen_diff=3))
        subnets.append(Subnet(zone, str(public), public=True))
        subnets.append(Subnet(zone, str(private), public=False))
    return NetworkPlan(str(network), tuple(subnets))


def _checked(vpc_cidr: str) -> ipaddress.IPv4Network:
    try:
        network = ipaddress.IPv4Network(vpc_cidr)
    except ValueError as error:
        raise NetworkPlanError(f"vpcCidr: {vpc_cidr!r} is no IPv4 network: {error}") from None
    if not LARGEST_VPC <= network.prefixlen <= SMALLEST_VPC:
        allowed = f"/{LARGEST_VPC} to /{SMALLEST_VPC}"
        raise NetworkPlanError(f"vpcCidr: {vpc_cidr!r} is not a network of size {allowed}")
    if not any(network.subnet_of(known) for known in (*PRIVATE_RANGES, SHARED_RANGE)):
        allowed = ", ".join(str(known) for known in (*PRIVATE_RANGES, SHARED_RANGE))
        raise NetworkPlanError(f"vpcCidr: {vpc_cidr!r} is not private; allowed: within {allowed}")
    for taken in SERVICE_RANGES:
        if network.overlaps(taken):
            raise NetworkPlanError(f"vpcCidr: {vpc_cidr!r} overlaps {taken}, which nodes use")
    return network
