# SPDX-License-Identifier: Apache-2.0
"""What the proxy's Service asks of a load balancer, and what the gateway makes of it."""

from __future__ import annotations

from typing import Any

from components.cloud.eks import load_balancer
from components.cloud.load_balancer import (
    AWS,
    LoadBalancer,
    client_settings,
    proxy_values,
    tls_values,
)
from components.config.cloud import CloudConfig, read_cloud
from components.config.network_plan import plan_network
from gateway.settings.settings import Settings
from tests.support.chart import environment, render
from tests.support.cloud import reader

PLAN = plan_network("10.10.0.0/16", 2)
PUBLIC = ",".join(subnet.cidr for subnet in PLAN.public)


def config(**changes: Any) -> CloudConfig:
    return read_cloud(reader("dev", **changes))


def test_managed_nodes_keep_the_clients_address() -> None:
    made = proxy_values(config().release, load_balancer("nodegroup", PLAN))
    assert made["externalTrafficPolicy"] == "Local"
    assert made["annotations"][f"{AWS}type"] == "nlb"
    assert client_settings(load_balancer("nodegroup", PLAN)) == {}


def test_in_auto_mode_the_balancer_names_the_client_and_the_gateway_believes_it() -> None:
    balancer = load_balancer("auto", PLAN)
    made = proxy_values(config().release, balancer)
    assert made["loadBalancerClass"] == "eks.amazonaws.com/nlb"
    said = made["annotations"][f"{AWS}target-group-attributes"]
    assert said == "proxy_protocol_v2.enabled=true"
    assert client_settings(balancer) == {
        "real_ip_header": "proxy_protocol",
        "trusted_ips": PUBLIC,
    }


def test_a_balancer_of_a_cluster_that_was_brought_along_is_asked_for_neither() -> None:
    made = proxy_values(config().release, LoadBalancer())
    assert "externalTrafficPolicy" not in made
    assert "http" not in made
    assert client_settings(LoadBalancer()) == {}


def test_what_the_chart_makes_of_it_is_what_the_gateway_takes() -> None:
    found, balancer = config(), load_balancer("auto", PLAN)
    proxy = proxy_values(found.release, balancer)
    rendered = render({"env": client_settings(balancer), "proxy": proxy})
    (workload,) = (item for (kind, _), item in rendered.items() if kind == "Deployment")
    given = environment(workload)
    names = ("proxy_listen", "real_ip_header", "trusted_ips")
    settings = Settings.from_values(
        {"database": "off", **{name: given[f"KONG_{name.upper()}"] for name in names}}
    )
    assert [address.proxy_protocol for address in settings.proxy_listen] == [True, True]
    assert [address.ssl for address in settings.proxy_listen] == [False, True]


def test_a_listener_with_a_certificate_speaks_tls_from_1_2_and_nothing_in_clear() -> None:
    arn = "arn:aws:acm:us-east-2:123456789012:certificate/00000000-0000-0000-0000-000000000000"
    found = config(hostname="api.example.com", certificateArn=arn)
    balancer = load_balancer("auto", PLAN)
    proxy = tls_values(proxy_values(found.release, balancer), found.release.certificate_arn)
    policy = proxy["annotations"][f"{AWS}ssl-negotiation-policy"]
    assert policy == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert proxy["annotations"][f"{AWS}ssl-cert"] == arn
    assert proxy["http"] == {"parameters": ["proxy_protocol"], "enabled": True, "servicePort": 0}
