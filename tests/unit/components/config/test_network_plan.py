# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ipaddress
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.config.network_plan import NetworkPlanError, plan_network


@st.composite
def networks(draw: st.DrawFn) -> str:
    prefix = draw(st.integers(16, 21))
    address = (10 << 24) | draw(st.integers(0, 2**24 - 1))
    return str(ipaddress.IPv4Network((address, prefix), strict=False))


ZONES = st.integers(2, 6)


@given(networks(), ZONES)
def test_every_subnet_lies_in_the_vpc_and_none_overlaps_another(cidr: str, zones: int) -> None:
    plan = plan_network(cidr, zones)
    vpc = ipaddress.IPv4Network(cidr)
    subnets = [ipaddress.IPv4Network(subnet.cidr) for subnet in plan.subnets]
    assert all(subnet.subnet_of(vpc) for subnet in subnets)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(subnets, 2))


@given(networks(), ZONES)
def test_every_zone_has_one_public_and_one_larger_private_subnet(cidr: str, zones: int) -> None:
    plan = plan_network(cidr, zones)
    assert [subnet.zone for subnet in plan.public] == list(range(zones))
    assert [subnet.zone for subnet in plan.private] == list(range(zones))
    for public, private in zip(plan.public, plan.private, strict=True):
        small, large = (ipaddress.IPv4Network(item.cidr) for item in (public, private))
        assert large.num_addresses == 8 * small.num_addresses
        # AWS takes nothing smaller.
        assert small.prefixlen <= 28


@given(networks(), st.integers(2, 5))
def test_one_more_zone_moves_nothing(cidr: str, zones: int) -> None:
    fewer, more = plan_network(cidr, zones), plan_network(cidr, zones + 1)
    assert more.subnets[: len(fewer.subnets)] == fewer.subnets


def test_the_default_vpc_gives_4094_pods_a_zone() -> None:
    plan = plan_network("10.0.0.0/16", 2)
    assert [subnet.cidr for subnet in plan.private] == ["10.0.0.0/20", "10.0.32.0/20"]
    assert [subnet.cidr for subnet in plan.public] == ["10.0.16.0/23", "10.0.48.0/23"]


@pytest.mark.parametrize(
    ("cidr", "zones", "said"),
    [
        ("10.0.0.0/15", 2, "/16 to /21"),
        ("10.0.0.0/22", 2, "/16 to /21"),
        ("10.0.0.1/16", 2, "no IPv4 network"),
        ("fd00::/48", 2, "no IPv4 network"),
        ("8.8.0.0/16", 2, "not private"),
        ("172.17.0.0/16", 2, "overlaps 172.17.0.0/16"),
        ("10.0.0.0/16", 1, "zones: 1"),
        ("10.0.0.0/16", 7, "zones: 7"),
    ],
)
def test_what_cannot_be_planned_is_refused_by_key_and_value(
    cidr: str, zones: int, said: str
) -> None:
    with pytest.raises(NetworkPlanError, match=said):
        plan_network(cidr, zones)
