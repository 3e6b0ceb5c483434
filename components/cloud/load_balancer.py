# SPDX-License-Identifier: Apache-2.0
"""The load balancer in front of the data plane: its TLS, and how pods learn who the client is.

Policies by address (ip-restriction, limits by IP) count the client's, never the balancer's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from components.config.cloud import ReleaseConfig

AWS = "service.beta.kubernetes.io/aws-load-balancer-"
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.2 and 1.3 (Elastic Load Balancing user guide, "Security policies for your Network Load
Balancer"); the default still takes 1.0."""
PROXY_PROTOCOL = "proxy_protocol"


@dataclass(frozen=True)
class LoadBalancer:
    """What a cluster's load balancers are like; without anything, nothing is known of them.

    One that ``keeps_addresses`` connects to nodes with the client's own address. One with ``cidrs``
    connects to pods from there, and names the client by the PROXY protocol.
    """

    class_name: str = ""
    keeps_addresses: bool = False
    cidrs: tuple[str, ...] = ()


OF_ANY_KIND = LoadBalancer()


def proxy_values(config: ReleaseConfig, balancer: LoadBalancer) -> dict[str, Any]:
    """Return the chart's values of the proxy: its Service, and what the balancer is asked for."""
    annotations = {f"{AWS}scheme": "internet-facing"}
    made: dict[str, Any] = {"enabled": True, "type": "LoadBalancer", "annotations": annotations}
    if balancer.class_name:
        made["loadBalancerClass"] = balancer.class_name
    else:
        annotations[f"{AWS}type"] = "nlb"
    if balancer.keeps_addresses:
        # A node that hands a connection on to another one replaces the client's address by its own.
        made["externalTrafficPolicy"] = "Local"
    if balancer.cidrs:
        annotations[f"{AWS}target-group-attributes"] = "proxy_protocol_v2.enabled=true"
        made["http"] = {"parameters": [PROXY_PROTOCOL]}
        made["tls"] = {"parameters": [PROXY_PROTOCOL]}
    if config.hostname:
        annotations["external-dns.alpha.kubernetes.io/hostname"] = config.hostname
    return made


def tls_values(made: dict[str, Any], certificate_arn: Any) -> dict[str, Any]:
    """Return values of the proxy for a balancer that holds a certificate: nothing in clear."""
    annotations = {
        **made["annotations"],
        f"{AWS}ssl-cert": certificate_arn,
        f"{AWS}ssl-ports": "443",
        f"{AWS}ssl-negotiation-policy": TLS_POLICY,
        # Encrypted on to the pods: API keys cross it.
        f"{AWS}backend-protocol": "ssl",
    }
    http = {**made.get("http", {}), "enabled": True, "servicePort": 0}
    return {**made, "annotations": annotations, "http": http}


def client_settings(balancer: LoadBalancer) -> dict[str, str]:
    """Return the gateway's settings that make the client's address the one it sees."""
    if not balancer.cidrs:
        return {}
    return {"real_ip_header": PROXY_PROTOCOL, "trusted_ips": ",".join(balancer.cidrs)}
