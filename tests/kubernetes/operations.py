# SPDX-License-Identifier: Apache-2.0
"""What operators do with the data plane of the stack, and what may happen to it.

Each function returns when it is over: the pods that leave have drained and are gone.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.kubernetes.cluster import CHART, Cluster, Refused
from tests.kubernetes.stack import ExistingStack
from tests.support.broker import Broker
from tests.support.waiting import eventually
from tools.kubernetes.layout import FIRST

NAMESPACE = "kong-dp"
RELEASE = "kong-dp"
DEPLOYMENT = "deployment/kong-dp-kong"
CONTROL_PLANE = "statefulset/kong-cp-kong"
CERTIFICATE = "::certificates-data-plane"
KILL_WORKER = """
import os, signal
from gateway.data_plane.worker.process import NAME
def name(pid):
    try:
        return open(f"/proc/{pid}/comm").read().strip()
    except OSError:
        return ""
workers = [p for p in os.listdir("/proc") if p.isdigit() and name(p) == NAME]
os.kill(int(workers[0]), signal.SIGKILL)
"""


@dataclass(frozen=True)
class Site:
    """What an operation works on."""

    cluster: Cluster
    stack: ExistingStack
    kafka: Broker

    def kubectl(self, *words: str, given: str = "") -> str:
        """Run kubectl in the stack's namespace."""
        # In front: behind `exec … --` it would be the command's.
        return self.cluster.kubectl("--namespace", NAMESPACE, *words, given=given)

    def pods(self) -> dict[str, Any]:
        """Return the data plane's pods by name, those that still drain too."""
        found = self.cluster.get("pods", "--namespace", NAMESPACE)["items"]
        named = {item["metadata"]["name"]: item for item in found}
        return {name: pod for name, pod in named.items() if name.startswith("kong-dp-kong-")}

    def settle(self, count: int) -> None:
        """Wait until this many pods are there, all of them ready."""
        self.kubectl("rollout", "status", DEPLOYMENT, "--timeout=300s")
        eventually(lambda: self._ready(count), within=240, every=0.5)

    def _ready(self, count: int) -> bool:
        pods = list(self.pods().values())
        if any("deletionTimestamp" in pod["metadata"] for pod in pods):
            return False
        statuses = [pod["status"].get("containerStatuses", [{}])[0] for pod in pods]
        return len(pods) == count and all(status.get("ready") for status in statuses)

    def scale(self, count: int) -> None:
        """Have this many pods."""
        self.kubectl("scale", DEPLOYMENT, f"--replicas={count}")
        self.settle(count)

    def upgrade(self, digest: str, *more: str) -> None:
        """Upgrade the release to an image."""
        words = ("upgrade", RELEASE, str(CHART), "--namespace", NAMESPACE, "--reuse-values")
        self.cluster.helm(*words, "--set", f"image.digest={digest}", *more)

    def roll_back(self) -> None:
        """Go back to the revision before."""
        words = ("rollback", RELEASE, "--namespace", NAMESPACE, "--wait", "--timeout", "240s")
        self.cluster.helm(*words)
        self.settle(2)


WAIT = ("--wait", "--timeout", "240s")


def restart(site: Site) -> None:
    """Replace each pod."""
    site.kubectl("rollout", "restart", DEPLOYMENT)
    site.settle(2)


def one_five_two(site: Site) -> None:
    """Scale up, and down."""
    site.scale(1)
    site.scale(5)
    site.scale(2)


def image_upgrade(site: Site) -> None:
    """Roll another image out."""
    site.upgrade(site.cluster.next_image.digest, *WAIT)
    site.settle(2)


def bad_image(site: Site) -> None:
    """Upgrade to an image that is not there, which helm undoes."""
    missing = f"sha256:{'0' * 64}"
    try:
        site.upgrade(missing, "--rollback-on-failure", "--timeout", "30s")
    except Refused:
        site.settle(2)
        return
    raise AssertionError("an upgrade to an image that is not there has succeeded")


def drain(site: Site) -> None:
    """Evict every pod as `kubectl drain` does: the budget lets one go at a time.

    The lab's only node stays open for their successors, where a drain would close it.
    """
    refused = 0
    for name in list(site.pods()):
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": NAMESPACE},
        }
        path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}/eviction"
        deadline = time.monotonic() + 200
        while True:
            try:
                site.kubectl("create", "--raw", path, "-f", "-", given=json.dumps(eviction))
                break
            except Refused as error:
                assert "disruption budget" in str(error), error
                assert time.monotonic() < deadline, error
                refused += 1
                time.sleep(0.5)  # as long as kubectl drain would wait five seconds
    assert refused, "the budget held nothing up"
    site.settle(2)


def both_on_another_node(site: Site) -> None:
    """Have both pods on a second node, which nothing else needs."""
    node = site.cluster.lab.add_node()
    site.cluster.kubectl("uncordon", node)
    site.cluster.kubectl("cordon", FIRST.name)
    restart(site)
    site.cluster.kubectl("uncordon", FIRST.name)


def node_drained(site: Site) -> None:
    """Take that node out of service."""
    node = site.cluster.lab.add_node()
    site.cluster.kubectl("drain", node, "--delete-emptydir-data", "--timeout=280s")
    site.settle(2)
    assert {pod["spec"]["nodeName"] for pod in site.pods().values()} == {FIRST.name}


def worker_killed(site: Site) -> None:
    """Kill a worker; its master starts another."""
    (name, *_) = site.pods()
    site.kubectl("exec", name, "--", "python", "-c", KILL_WORKER)
    site.settle(2)


def pod_killed(site: Site) -> None:
    """Kill a pod without any notice."""
    (name, *_) = site.pods()
    site.kubectl("delete", "pod", name, "--grace-period=0", "--force")
    site.settle(2)


@contextmanager
def without_control_plane(site: Site) -> Iterator[None]:
    """Have no control plane inside the block."""
    site.kubectl("scale", CONTROL_PLANE, "--replicas=0")
    try:
        yield
    finally:
        site.kubectl("scale", CONTROL_PLANE, "--replicas=1")
        site.kubectl("rollout", "status", CONTROL_PLANE, "--timeout=180s")


def certificate_renewal(site: Site) -> None:
    """Renew what the data plane shows its control plane."""
    (urn,) = [urn for urn in site.stack.resources() if urn.endswith(CERTIFICATE)]
    site.stack.change("up", "--replace", urn)
    site.settle(2)


def key_rotation(site: Site) -> None:
    """Have the gateway use another of Kafka's keys."""
    name, secret = site.kafka.second
    site.stack.set_secret("kafkaApiSecret", secret)
    site.stack.write_settings(kafkaApiKey=name)
    site.stack.change("up")
    site.settle(2)


def helm_rollback(site: Site) -> None:
    """Go back to the image of before the last upgrade."""
    site.roll_back()


@dataclass(frozen=True)
class Operation:
    """One of them: what was there ``before``, and what to do ``after`` the load has ended.

    ``harmless`` ones break no connection and lose no request; the others break those of a process
    that was killed, and no other. What such a process had buffered goes with it, so requests are
    sent to the route there that responds when a record is written.
    """

    name: str
    work: Callable[[Site], None]
    before: Callable[[Site], None] | None = None
    after: Callable[[Site], None] | None = None
    harmless: bool = True
    often: bool = False
    """Part of every run, and not only of those with a number of requests."""


OPERATIONS = (
    Operation("rolling restart", restart, often=True),
    Operation("image upgrade", image_upgrade, after=Site.roll_back),
    Operation("helm rollback", helm_rollback, before=image_upgrade),
    Operation("an image that is not there, undone", bad_image),
    Operation("both pods evicted, as by a drain", drain),
    Operation("a node drained", node_drained, before=both_on_another_node),
    Operation("a worker killed", worker_killed, harmless=False, often=True),
    Operation("a pod killed", pod_killed, harmless=False),
    Operation("certificate renewed", certificate_renewal),
    Operation("API key rotated", key_rotation),
    # Last: helm leaves the number of pods to kubectl from then on.
    Operation("scaled 1 -> 5 -> 2", one_five_two, often=True),
)
