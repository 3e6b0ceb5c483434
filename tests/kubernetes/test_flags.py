# SPDX-License-Identifier: Apache-2.0
"""The values of the deployment by hand on our chart, as they stand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kubernetes.cluster import Cluster, request
from tests.kubernetes.stack import TOPIC, ExistingStack
from tests.support.broker import Broker
from tests.support.waiting import eventually

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(600)]

NAMESPACE = "kong-dp"
RELEASE = "by-hand"
CONTROL_PLANE = "kong-cp-kong-cluster.kong-dp.svc"
CERTIFICATE = "/etc/secrets/kong-cluster-cert"
FLAGS: dict[str, Any] = {
    "ingressController": {"enabled": False},
    "admin": {"enabled": False},
    "env": {
        "role": "data_plane",
        "database": "off",
        "anonymous_reports": "off",
        "vitals_ttl_days": 732,
        "cluster_mtls": "pki",
        "cluster_control_plane": f"{CONTROL_PLANE}:8005",
        "cluster_server_name": CONTROL_PLANE,
        "cluster_telemetry_endpoint": f"{CONTROL_PLANE}:8005",
        "cluster_telemetry_server_name": CONTROL_PLANE,
        "cluster_ca_cert": "/etc/secrets/kong-cluster-ca/ca.crt",
        "cluster_cert": f"{CERTIFICATE}/tls.crt",
        "cluster_cert_key": f"{CERTIFICATE}/tls.key",
        "lua_ssl_trusted_certificate": f"{CERTIFICATE}/tls.crt",
        "status_listen": "0.0.0.0:8100",
    },
    "enterprise": {
        "enabled": True,
        "portal": {"enabled": False},
        "rbac": {"enabled": False},
        "smtp": {"enabled": False},
    },
    "manager": {"enabled": False},
    "portal": {"enabled": False},
    "portalapi": {"enabled": False},
    # The lab's broker is not publicly trusted as Confluent's are: here it is.
    "customEnv": {"ssl_cert_file": "/etc/secrets/kafka-ca/ca.crt"},
    "secretVolumes": ["kong-cluster-cert", "kong-cluster-ca", "kafka-ca"],
    # By hand the key stood in the decK file.
    "envFrom": [{"secretRef": {"name": "kafka-api-key"}}],
    # The lab's one address is the stack's.
    "proxy": {"enabled": True, "type": "ClusterIP"},
    "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
    "resources": {"requests": {"cpu": "50m"}, "limits": {"memory": "256Mi"}},
}


@pytest.fixture
def by_hand(cluster: Cluster, stack: ExistingStack) -> Iterator[Cluster]:
    cluster.install(RELEASE, NAMESPACE, FLAGS)
    yield cluster
    cluster.helm("uninstall", RELEASE, "--namespace", NAMESPACE, "--wait")
    eventually(lambda: not pods(cluster), within=120, every=0.3)


def pods(cluster: Cluster) -> list[Any]:
    label = f"app.kubernetes.io/instance={RELEASE}"
    found: list[Any] = cluster.get("pods", "--namespace", NAMESPACE, "--selector", label)["items"]
    return found


def test_a_request_becomes_a_record_and_the_log_says_what_brokers_are_verified_with(
    by_hand: Cluster, kafka: Broker
) -> None:
    address = by_hand.get("service", f"{RELEASE}-kafka-gateway-proxy", "--namespace", NAMESPACE)
    before = kafka.count(TOPIC)
    reply = request(80, "/httpbin/get", {"aaa": "888"}, address=address["spec"]["clusterIP"])
    assert (reply.status, reply.body) == (200, b'{"message":"message sent"}')
    assert kafka.count(TOPIC) == before + 1
    (pod,) = pods(by_hand)
    log = by_hand.kubectl("logs", pod["metadata"]["name"], "--namespace", NAMESPACE)
    lines = [json.loads(line) for line in log.splitlines()]
    (problem,) = [line["problem"] for line in lines if line["event"] == "trust"]
    assert "nothing but this node's own certificate" in problem
