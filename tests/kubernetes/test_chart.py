# SPDX-License-Identifier: Apache-2.0
"""The chart on a cluster, without a control plane: what only a running release can show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kubernetes.cluster import Cluster, request

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(600)]

RELEASE = "gw"
NAME = "gw-kafka-gateway"
NAMESPACE = "chart"
NOWHERE = """
_format_version: "3.0"
services:
- name: nowhere
  url: http://127.0.0.1:1
  routes:
  - name: route
    paths: [{path}]
"""


def values(**more: Any) -> dict[str, Any]:
    return {
        "env": {"role": "traditional", "log_level": "info"},
        "dblessConfig": {"config": NOWHERE.format(path="/nowhere")},
        "proxy": {"type": "ClusterIP"},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        # Nobody's connections drain here.
        "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
        **more,
    }


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    with cluster.namespace(NAMESPACE) as name:
        yield name


def deployment(cluster: Cluster) -> Any:
    return cluster.get("deployment", NAME, "--namespace", NAMESPACE)


def pods(cluster: Cluster) -> list[Any]:
    found: list[Any] = cluster.get("pods", "--namespace", NAMESPACE)["items"]
    return found


def identities(cluster: Cluster) -> set[str]:
    """Return the uids of the pods that stay."""
    metas = [pod["metadata"] for pod in pods(cluster)]
    return {meta["uid"] for meta in metas if "deletionTimestamp" not in meta}


def status_of(cluster: Cluster, path: str) -> int:
    service = cluster.get("service", f"{NAME}-proxy", "--namespace", NAMESPACE)
    return request(80, path, address=service["spec"]["clusterIP"]).status


def test_another_configuration_of_the_chart_is_served(cluster: Cluster, namespace: str) -> None:
    def install(path: str) -> None:
        document = {"config": NOWHERE.format(path=path)}
        cluster.install(RELEASE, namespace, values(dblessConfig=document))

    install("/before")
    assert status_of(cluster, "/before") != 404
    before = identities(cluster)
    install("/after")
    assert status_of(cluster, "/after") != 404
    assert status_of(cluster, "/before") == 404
    assert not before & identities(cluster)
    before = identities(cluster)
    install("/after")
    assert identities(cluster) == before, "the same configuration restarts nothing"


def test_switching_autoscaling_on_leaves_the_pods_as_they_are(
    cluster: Cluster, namespace: str
) -> None:
    cluster.install(RELEASE, namespace, values(replicaCount=3))
    before = identities(cluster)
    scaling = {"enabled": True, "minReplicas": 2, "maxReplicas": 5}
    cluster.install(RELEASE, namespace, values(replicaCount=3, autoscaling=scaling))
    assert deployment(cluster)["spec"]["replicas"] == 3
    assert identities(cluster) == before
    # As the autoscaler does it; what comes later of the chart leaves that alone, too.
    words = ("scale", "deployment", NAME, "--namespace", namespace, "--replicas=4")
    cluster.kubectl(*words)
    cluster.kubectl("rollout", "status", "deployment", NAME, "--namespace", namespace)
    before = identities(cluster)
    scaling["maxReplicas"] = 6
    cluster.install(RELEASE, namespace, values(autoscaling=scaling))
    assert deployment(cluster)["spec"]["replicas"] == 4
    assert identities(cluster) == before


def test_a_release_installed_with_its_autoscaler_never_names_a_number(
    cluster: Cluster, namespace: str
) -> None:
    scaling = {"enabled": True, "minReplicas": 1, "maxReplicas": 5}
    for _ in range(2):
        cluster.install(RELEASE, namespace, values(autoscaling=scaling))
        manifest = cluster.helm("get", "manifest", RELEASE, "--namespace", namespace)
        assert "\n  replicas:" not in manifest


def test_a_pod_has_as_many_workers_as_its_memory_has_room_for(
    cluster: Cluster, namespace: str
) -> None:
    small = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "160Mi"}}
    cluster.install(RELEASE, namespace, values(resources=small))
    (pod,) = pods(cluster)
    log = cluster.kubectl("logs", pod["metadata"]["name"], "--namespace", namespace)
    events = {line["event"]: line for line in map(json.loads, log.splitlines())}
    assert events["room for workers"]["memory_limit"] == 160 << 20
    assert events["started"]["workers"] == 1
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
