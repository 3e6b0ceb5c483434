# SPDX-License-Identifier: Apache-2.0
"""What the chart has by option: other autoscalers and entries, scrapers, the test of a release."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from tests.support.chart import CHART, Objects, render, run_helm

NAME = "gw-kafka-gateway"
PARENTS = [{"name": "entry", "namespace": "gateways"}]


def refused(values: dict[str, Any]) -> str:
    code, text = run_helm("template", "gw", str(CHART), "-f", "-", values=values)
    assert code != 0
    return text


def kinds(objects: Objects) -> set[str]:
    return {kind for kind, _ in objects}


def scaled(**more: Any) -> Objects:
    keda = {"enabled": True, "prometheusAddress": "http://prometheus.monitoring.svc:9090", **more}
    scaling = {"enabled": True, "minReplicas": 3, "targetRequestsPerSecond": 5000, "keda": keda}
    return render({"autoscaling": scaling})


# --- autoscaling ------------------------------------------------------------------------------


def test_keda_gets_the_bounds_and_targets_of_the_autoscaler_that_it_replaces() -> None:
    objects = scaled()
    assert "HorizontalPodAutoscaler" not in kinds(objects)
    spec = objects["ScaledObject", NAME]["spec"]
    assert spec["scaleTargetRef"]["name"] == NAME
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (3, 5)
    # By this name the chart finds the number of pods that it must not touch.
    assert spec["advanced"]["horizontalPodAutoscalerConfig"]["name"] == NAME
    cpu, requests = spec["triggers"]
    assert cpu == {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "70"}}
    assert requests["metadata"]["threshold"] == "5000"
    assert 'namespace="kong-dp",pod=~"gw-kafka-gateway-' in requests["metadata"]["query"]
    assert "replicas" not in objects["Deployment", NAME]["spec"]


def test_kedas_query_and_further_triggers_are_the_users() -> None:
    cron = {"type": "cron", "metadata": {"timezone": "UTC", "start": "0 6 * * *"}}
    triggers = scaled(query="sum(up)", triggers=[cron])["ScaledObject", NAME]["spec"]["triggers"]
    assert triggers[1]["metadata"]["query"] == "sum(up)"
    assert triggers[2] == cron


def test_requests_per_second_need_a_prometheus_that_keda_can_ask() -> None:
    scaling = {"enabled": True, "targetRequestsPerSecond": 5, "keda": {"enabled": True}}
    assert "autoscaling.keda.prometheusAddress" in refused({"autoscaling": scaling})
    del scaling["targetRequestsPerSecond"]
    (trigger,) = render({"autoscaling": scaling})["ScaledObject", NAME]["spec"]["triggers"]
    assert trigger["type"] == "cpu"


def test_keda_without_autoscaling_changes_nothing() -> None:
    assert render({"autoscaling": {"keda": {"enabled": True}}}) == render({})


def test_pods_get_the_priority_that_the_values_name() -> None:
    pod = render({"priorityClassName": "critical"})["Deployment", NAME]["spec"]["template"]["spec"]
    assert pod["priorityClassName"] == "critical"


# --- scrapers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "kind", "endpoints"),
    [
        ("serviceMonitor", "ServiceMonitor", "endpoints"),
        ("podMonitor", "PodMonitor", "podMetricsEndpoints"),
    ],
)
def test_a_monitor_scrapes_the_status_port(section: str, kind: str, endpoints: str) -> None:
    values = {section: {"enabled": True, "labels": {"release": "prometheus"}, "interval": "15s"}}
    found = render(values)[kind, NAME]
    assert found["metadata"]["labels"]["release"] == "prometheus"
    (endpoint,) = found["spec"][endpoints]
    assert (endpoint["port"], endpoint["path"], endpoint["interval"]) == (
        "status",
        "/metrics",
        "15s",
    )
    labels = found["spec"]["selector"]["matchLabels"]
    assert labels["app.kubernetes.io/component"] == "data-plane"


def test_two_monitors_would_count_everything_twice() -> None:
    both = {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}
    assert "every figure would be there twice" in refused(both)


# --- another entry ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "kind", "port"), [("httpRoute", "HTTPRoute", 80), ("tlsRoute", "TLSRoute", 443)]
)
def test_a_route_of_the_clusters_gateway_leads_to_the_proxy(
    section: str, kind: str, port: int
) -> None:
    route = {"enabled": True, "parentRefs": PARENTS, "hostnames": ["api.example.com"]}
    objects = render({"proxy": {"type": "ClusterIP"}, "gatewayApi": {section: route}})
    found = objects[kind, NAME]
    assert found["spec"]["parentRefs"] == PARENTS
    assert found["spec"]["hostnames"] == ["api.example.com"]
    (backend,) = found["spec"]["rules"][0]["backendRefs"]
    assert backend == {"name": f"{NAME}-proxy", "port": port}
    service = objects["Service", backend["name"]]["spec"]
    assert port in [one["port"] for one in service["ports"]]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"gatewayApi": {"httpRoute": {"enabled": True}}}, "without parentRefs"),
        (
            {
                "gatewayApi": {"httpRoute": {"enabled": True, "parentRefs": PARENTS}},
                "proxy": {"http": {"servicePort": 0}},
            },
            "set proxy.http.servicePort",
        ),
        (
            {
                "gatewayApi": {"tlsRoute": {"enabled": True, "parentRefs": PARENTS}},
                "env": {"role": "control_plane"},
            },
            "leads to the proxy, which is off here",
        ),
    ],
)
def test_a_route_that_would_lead_nowhere_is_refused(values: dict[str, Any], said: str) -> None:
    assert said in refused(values)


# --- helm test --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        ({}, f'"{NAME}-proxy", 80'),
        ({"proxy": {"nameOverride": "entry"}}, '"entry", 80'),
        ({"proxy": {"http": {"servicePort": 0}}}, f'"{NAME}-proxy", 443'),
        ({"env": {"role": "control_plane"}}, f'"{NAME}-cluster", 8005'),
    ],
)
def test_the_release_is_tested_by_its_own_service(values: dict[str, Any], asked: str) -> None:
    objects = render(values)
    pod = objects["Pod", f"{NAME}-test"]
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    (container,) = pod["spec"]["containers"]
    *_, program = container["command"]
    ast.parse(program)
    assert asked in program
    # No Service leads to it: it must not look like one of the release's pods.
    for (kind, _), found in objects.items():
        if kind == "Service":
            selector = found["spec"]["selector"].items()
            assert not selector <= pod["metadata"]["labels"].items()


def test_without_a_proxy_there_is_nothing_to_test() -> None:
    assert "Pod" not in kinds(render({"proxy": {"enabled": False}}))


def test_an_upgrade_that_keeps_the_values_of_an_older_chart_renders() -> None:
    """With --reuse-values, sections that are new since then are not there."""
    older = {"podMonitor": None, "gatewayApi": None, "autoscaling": {"enabled": True, "keda": None}}
    assert "HorizontalPodAutoscaler" in kinds(render(older))
