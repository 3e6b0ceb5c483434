# SPDX-License-Identifier: Apache-2.0
"""Every manifest that the chart renders, against the schemas of the Kubernetes that it supports."""

from __future__ import annotations

from typing import Any

import pytest

from components.config.versions import KUBERNETES_VERSIONS
from tests.support.chart import render
from tests.support.kubernetes_schemas import problems, versions
from tests.unit.gateway.chart.test_data_plane import STORY

SCALING = {"enabled": True, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}}}
REQUESTS = {**SCALING, "targetRequestsPerSecond": 5000}
PARENTS = [{"name": "entry", "namespace": "gateways", "sectionName": "https", "port": 443}]
ROUTE = {"enabled": True, "parentRefs": PARENTS, "hostnames": ["api.example.com"]}
TOLERATION = {"key": "dedicated", "operator": "Equal", "value": "gateway", "effect": "NoSchedule"}
VALUES: dict[str, dict[str, Any]] = {
    "nothing said": {},
    "the deployment by hand": STORY,
    "a control plane": {"env": {"role": "control_plane"}, "admin": {"enabled": True}},
    "a control plane without a volume": {
        "env": {"role": "control_plane"},
        "persistence": {"enabled": False},
    },
    "a file of routes": {
        "env": {"role": "traditional"},
        "dblessConfig": {"config": '_format_version: "3.0"'},
    },
    "autoscaling": {"autoscaling": REQUESTS},
    "KEDA": {
        "autoscaling": {
            **REQUESTS,
            "keda": {"enabled": True, "prometheusAddress": "http://prometheus:9090"},
        }
    },
    "a service monitor": {"serviceMonitor": {"enabled": True, "labels": {"a": "b"}}},
    "a pod monitor": {"podMonitor": {"enabled": True}},
    "routes of a gateway": {
        "proxy": {"type": "ClusterIP"},
        "gatewayApi": {"httpRoute": ROUTE, "tlsRoute": ROUTE},
    },
    "where pods go": {
        "priorityClassName": "critical",
        "tolerations": [TOLERATION],
        "nodeSelector": {"pool": "gateways"},
        "affinity": {"podAntiAffinity": {}},
        "podDisruptionBudget": {"enabled": True, "minAvailable": "50%"},
    },
    "variables and volumes": {
        "customEnv": {"key": {"valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}},
        "envFrom": [{"secretRef": {"name": "s"}}],
        "image": {"digest": f"sha256:{'0' * 64}", "pullSecrets": ["registry"]},
        "podAnnotations": {"a": "b"},
        "extraLabels": {"team": "edge"},
    },
}


def test_there_are_schemas_of_every_kubernetes_that_a_stack_may_have() -> None:
    assert versions() == sorted(KUBERNETES_VERSIONS)


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_every_object_is_valid_in_every_supported_version(values: dict[str, Any]) -> None:
    objects = render(values)
    assert len(objects) > 4
    found = [
        f"{version}: {problem}"
        for version in versions()
        for one in objects.values()
        for problem in problems(one, version)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"spec": {"replica": 1}}, "apps/v1/Deployment.spec.replica: unknown field"),
        ({"spec": {"replicas": "1"}}, "'1' is not of type integer"),
        ({"metadata": {"labels": {"a": 1}}}, "1 is not of type string"),
        ({"apiVersion": "apps/v1beta1"}, "unknown to Kubernetes"),
        ({"spec": {"template": {"spec": {"containers": [{}]}}}}, "containers[0]: name is missing"),
    ],
)
def test_what_no_kubernetes_would_take_is_found(change: dict[str, Any], said: str) -> None:
    good = render({})["Deployment", "gw-kafka-gateway"]
    bad = {**good, **{k: {**good[k], **v} if isinstance(v, dict) else v for k, v in change.items()}}
    for version in versions():
        assert any(said in problem for problem in problems(bad, version))
