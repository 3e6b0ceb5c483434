# SPDX-License-Identifier: Apache-2.0
"""What operators do with a data plane while clients send: nothing is lost, nothing but 2xx.

KUBERNETES_LOAD in the environment is the least number of requests of each test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.kubernetes.cluster import Cluster, say, timed
from tests.kubernetes.load import running
from tests.kubernetes.stack import TOPIC, ExistingStack
from tests.support.broker import Broker
from tests.support.waiting import eventually
from tools.kubernetes.layout import NODE_ADDRESS

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(900)]

NAMESPACE = "kong-dp"
DEPLOYMENT = "deployment/kong-dp-kong"
RATE = 2000
LEAST = int(os.environ.get("KUBERNETES_LOAD", "20000"))


def kubectl(cluster: Cluster, *words: str) -> None:
    cluster.kubectl(*words, "--namespace", NAMESPACE)


def pods(cluster: Cluster) -> int:
    found = cluster.get("pods", "--namespace", NAMESPACE)["items"]
    return sum(item["metadata"]["name"].startswith("kong-dp-kong-") for item in found)


def scale(cluster: Cluster, count: int) -> None:
    """Scale, and wait until the pods that leave have drained and are gone."""
    kubectl(cluster, "scale", DEPLOYMENT, f"--replicas={count}")
    kubectl(cluster, "rollout", "status", DEPLOYMENT, "--timeout=180s")
    eventually(lambda: pods(cluster) == count, within=180, every=0.5)


@pytest.fixture
def two_pods(cluster: Cluster, stack: ExistingStack) -> Iterator[Cluster]:
    scale(cluster, 2)
    yield cluster
    scale(cluster, 1)


def restart(cluster: Cluster) -> None:
    kubectl(cluster, "rollout", "restart", DEPLOYMENT)
    kubectl(cluster, "rollout", "status", DEPLOYMENT, "--timeout=300s")
    eventually(lambda: pods(cluster) == 2, within=180, every=0.5)


def up_and_down(cluster: Cluster) -> None:
    scale(cluster, 3)
    scale(cluster, 2)


OPERATIONS = {"rolling restart": restart, "scaled 2 -> 3 -> 2": up_and_down}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_request_is_acknowledged_and_in_the_topic_once(
    two_pods: Cluster, kafka: Broker, name: str
) -> None:
    before = kafka.count(TOPIC)
    with timed(name), running(NODE_ADDRESS, "/httpbin/get", RATE, LEAST) as counts:
        OPERATIONS[name](two_pods)
    written = kafka.count(TOPIC) - before
    told = f"{counts.sent} sent, {counts.good} answered 2xx, {written} in the topic"
    say(f"{name}: {told}; {counts.crossed} sent again as their connection had just been closed")
    if counts.good != counts.sent:
        words = ("get", "events", "--namespace", NAMESPACE, "--sort-by=.lastTimestamp")
        say(two_pods.kubectl(*words, "--field-selector=type=Warning"))
    # A pod that drains closes its connections with their next response, so that none is lost.
    assert not counts.crossed, counts
    assert not counts.broken, counts
    assert set(counts.statuses) == {"200"}, counts
    assert written == counts.good == counts.sent >= LEAST
