# SPDX-License-Identifier: Apache-2.0
"""What was done by hand, step by step, on a real cluster: here the program has done it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.data_plane.capacity import MASTER_MEMORY, MEBIBYTE, WORKER_MEMORY
from tests.kubernetes.cluster import CHART, Cluster, request, say
from tests.kubernetes.record import record
from tests.kubernetes.stack import TOPIC, ExistingStack
from tests.support.broker import Broker
from tests.support.waiting import eventually
from tools.kubernetes import control_groups
from tools.kubernetes.image import ensure_base, unpacked_size
from tools.kubernetes.layout import NODE_ADDRESS

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(600)]

NAMESPACE = "kong-dp"
SENT = b'{"message":"message sent"}'
SECRETS = {
    "kong-cluster-cert": ("kubernetes.io/tls", {"tls.crt", "tls.key"}),
    "kong-cluster-ca": ("Opaque", {"ca.crt"}),
}


def one(cluster: Cluster, kind: str, name: str) -> Any:
    return cluster.get(kind, name, "--namespace", NAMESPACE)


def test_the_namespace_is_there_and_admits_only_restricted_pods(
    cluster: Cluster, stack: ExistingStack
) -> None:
    found = cluster.get("namespace", NAMESPACE)
    assert found["status"]["phase"] == "Active"
    assert found["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("name", SECRETS)
def test_the_secrets_have_the_types_and_keys_of_those_made_by_hand(
    cluster: Cluster, stack: ExistingStack, name: str
) -> None:
    kind, keys = SECRETS[name]
    found = one(cluster, "secret", name)
    assert found["type"] == kind
    assert set(found["data"]) == keys


def test_both_helm_releases_are_deployed(cluster: Cluster, stack: ExistingStack) -> None:
    listed = json.loads(cluster.helm("list", "--namespace", NAMESPACE, "--output", "json"))
    assert {item["name"]: item["status"] for item in listed} == {
        "kong-dp": "deployed",
        "kong-cp": "deployed",
    }


def test_deployment_service_and_pods_look_as_they_did(
    cluster: Cluster, stack: ExistingStack
) -> None:
    deployment = one(cluster, "deployment", "kong-dp-kong")
    assert deployment["status"]["readyReplicas"] == deployment["spec"]["replicas"] == 1
    service = one(cluster, "service", "kong-dp-kong-proxy")["spec"]
    assert service["type"] == "LoadBalancer"
    assert [port["port"] for port in service["ports"]] == [80, 443]
    listed = cluster.get("pods", "--namespace", NAMESPACE)["items"]
    phases = {item["metadata"]["name"]: item["status"]["phase"] for item in listed}
    assert set(phases.values()) == {"Running"}
    assert sorted(re.sub(r"-[0-9a-f]+-\w+$", "", name) for name in phases) == [
        "kong-cp-kong-0",
        "kong-dp-kong",
    ]
    restarts = [pod["status"]["containerStatuses"][0]["restartCount"] for pod in listed]
    assert restarts == [0, 0]


def test_the_stack_tells_the_load_balancers_address(stack: ExistingStack) -> None:
    assert stack.output("proxyUrl") == f"http://{NODE_ADDRESS}"


@pytest.mark.parametrize(("port", "tls"), [(80, False), (443, True)])
def test_without_a_route_the_load_balancer_answers_404(
    stack: ExistingStack, port: int, tls: bool
) -> None:
    reply = request(port, "/", tls=tls)
    assert reply.status == 404
    assert reply.body == b'{"message":"no Route matched with those values"}'
    assert reply.headers["content-length"] == "48"
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers["x-kong-response-latency"].isdigit()


@pytest.mark.parametrize(("port", "tls"), [(80, False), (443, True)])
def test_a_request_becomes_a_record_with_its_headers(
    stack: ExistingStack, kafka: Broker, port: int, tls: bool
) -> None:
    before = kafka.count(TOPIC)
    reply = request(port, "/httpbin/get", {"aaa": "888"}, tls=tls)
    assert (reply.status, reply.body) == (200, SENT)
    assert reply.headers["content-length"] == "26"
    value = json.loads(kafka.records(TOPIC, before + 1)[before].value())
    assert value["headers"]["aaa"] == "888"
    assert value["headers"]["host"].partition(":")[0] == NODE_ADDRESS


def test_the_release_passes_its_own_test(cluster: Cluster, stack: ExistingStack) -> None:
    for release in ("kong-dp", "kong-cp"):
        said = cluster.helm("test", release, "--namespace", NAMESPACE)
        assert re.search(r"^Phase:\s+Succeeded$", said, re.MULTILINE), said


def test_an_empty_cluster_and_one_up_are_all_that_a_record_needs(stack: ExistingStack) -> None:
    seconds = stack.seconds_to_first_record
    assert seconds is not None, "the first request was not answered 200"
    say(f"from `pulumi up` on an empty cluster to the first record: {seconds:.1f} s")
    record(("from `pulumi up` on an empty cluster to the first record", f"{seconds:.0f} s"))


MOST_MEMORY = 100 * MEBIBYTE


def test_a_pod_with_two_workers_takes_less_memory_than_it_may(
    cluster: Cluster, stack: ExistingStack
) -> None:
    for _ in range(200):
        assert request(80, "/httpbin/get").status == 200
    pods = cluster.get("pods", "--namespace", NAMESPACE)["items"]
    (name,) = [name for pod in pods if (name := pod["metadata"]["name"]).startswith("kong-dp-kong")]
    identity = one(cluster, "pod", name)["metadata"]["uid"]
    taken = control_groups.working_set(f"**/pod{identity}")
    text = f"{taken / MEBIBYTE:.1f} MiB"
    say(f"a pod with two workers takes {text} (its control group's working set)")
    record(("memory of a pod with two workers, as Kubernetes counts it (working set)", text))
    assert taken < MOST_MEMORY < MASTER_MEMORY + 2 * WORKER_MEMORY


def test_the_images_are_as_small_as_their_dockerfile_says(cluster: Cluster) -> None:
    whole = unpacked_size(cluster.image) / 1e6
    smallest = unpacked_size(cluster.next_image) / 1e6
    record(
        ("the image for data planes alone on nothing but Python, unpacked", f"{smallest:.0f} MB")
    )
    assert smallest < 126
    if os.environ.get("KUBERNETES_BASE_IMAGE"):
        pytest.skip("only of its own base does the lab know the size")
    beside = whole - unpacked_size(ensure_base()) / 1e6
    say(f"the image takes {beside:.1f} MB beside its base, the smallest {smallest:.1f} MB in all")
    record(("the image for all roles beside its base, unpacked", f"{beside:.0f} MB"))
    assert beside < 100


TABLES = Path(__file__).resolve().parents[2] / "docs" / "by-hand-and-as-code.md"
CHANGING = re.compile(r"\b(\d+(?:d|h|m|s))+\b|(?<=80:)\d+|(?<=443:)\d+|10\.96\.\d+\.\d+")


def columns(text: str) -> list[list[str]]:
    """Return a table's cells, without what is another one in each cluster."""
    text = re.sub(r"kong-dp-kong-[0-9a-f]+-\w+", "kong-dp-kong-…", text)
    return [CHANGING.sub("…", line).split() for line in text.strip().splitlines()]


@pytest.mark.parametrize("kind", ["deployment", "service", "pods"])
def test_kubectl_shows_the_tables_of_the_guide(
    cluster: Cluster, stack: ExistingStack, kind: str
) -> None:
    shown = cluster.kubectl("get", kind, "--namespace", NAMESPACE)
    say(f"$ kubectl get {kind}\n{shown}")
    block = re.search(
        rf"kubectl get {kind} -n kong-dp\n(.*?)\n(?=\$|```)", TABLES.read_text(), re.S
    )
    assert block is not None
    assert columns(shown) == columns(block[1])


def test_a_second_up_changes_nothing(stack: ExistingStack) -> None:
    done = stack.change("up")
    assert not re.search(r"^\s+[~+-]{1,2} \d+ ", done.output, re.MULTILINE), done.output


def test_the_data_plane_serves_while_its_control_plane_is_gone(
    cluster: Cluster, stack: ExistingStack
) -> None:
    before = one(cluster, "pod", "kong-cp-kong-0")["metadata"]["uid"]
    words = ("pod", "kong-cp-kong-0", "--namespace", NAMESPACE, "--grace-period=0", "--force")
    cluster.kubectl("delete", *words)
    assert request(80, "/httpbin/get").body == SENT

    def back() -> bool:
        listed = cluster.get("pods", "--namespace", NAMESPACE)["items"]
        found = {pod["metadata"]["name"]: pod for pod in listed}.get("kong-cp-kong-0")
        if found is None or found["metadata"]["uid"] == before:
            return False
        status = found["status"].get("containerStatuses", [{}])[0]
        return bool(status.get("ready"))

    eventually(back, within=90, every=0.2)
    assert request(80, "/httpbin/get").body == SENT


def control_plane(cluster: Cluster) -> Any:
    return one(cluster, "statefulset", "kong-cp-kong")


def upgrade(cluster: Cluster, *flags: str) -> None:
    words = ("upgrade", "kong-cp", str(CHART), "--namespace", NAMESPACE, "--reuse-values")
    cluster.helm(*words, *flags, "--wait", "--timeout", "120s")


def ready_with(cluster: Cluster, digest: str) -> bool:
    listed = cluster.get("pods", "--namespace", NAMESPACE)["items"]
    pod = {item["metadata"]["name"]: item for item in listed}.get("kong-cp-kong-0")
    if pod is None or not pod["spec"]["containers"][0]["image"].endswith(f"@{digest}"):
        return False
    return any(item["ready"] for item in pod["status"].get("containerStatuses", []))


def test_an_upgrade_of_the_control_plane_to_an_image_that_is_not_there_is_undone(
    cluster: Cluster, stack: ExistingStack
) -> None:
    assert control_plane(cluster)["spec"]["podManagementPolicy"] == "Parallel"
    broken = f"image.digest=sha256:{'0' * 64}"
    words = ("upgrade", "kong-cp", str(CHART), "--namespace", NAMESPACE, "--reuse-values")
    with pytest.raises(AssertionError, match=r"not ready|deadline|rolled back"):
        cluster.helm(*words, "--set", broken, "--rollback-on-failure", "--timeout", "45s")
    eventually(lambda: ready_with(cluster, cluster.image.digest), within=90, every=0.3)
    (release,) = json.loads(
        cluster.helm("list", "--namespace", NAMESPACE, "--filter", "kong-cp", "--output", "json")
    )
    assert release["status"] == "deployed"


def test_a_control_plane_of_an_older_chart_is_upgraded_and_can_be_changed_over(
    cluster: Cluster, stack: ExistingStack
) -> None:
    before = one(cluster, "pod", "kong-cp-kong-0")["metadata"]["uid"]
    older = control_plane(cluster)
    older["spec"]["podManagementPolicy"] = "OrderedReady"
    older["metadata"] = {
        key: older["metadata"][key] for key in ("name", "namespace", "labels", "annotations")
    }
    orphan = ("statefulset", "kong-cp-kong", "--namespace", NAMESPACE, "--cascade=orphan")
    cluster.kubectl("delete", *orphan)
    words = ("apply", "--server-side", "--field-manager=helm", "--filename", "-")
    cluster.kubectl(*words, given=json.dumps(older))
    upgrade(cluster)
    assert control_plane(cluster)["spec"]["podManagementPolicy"] == "OrderedReady"
    # The guide's way: the pod stays, and the new StatefulSet takes it over.
    cluster.kubectl("delete", *orphan)
    upgrade(cluster)
    assert control_plane(cluster)["spec"]["podManagementPolicy"] == "Parallel"
    assert one(cluster, "pod", "kong-cp-kong-0")["metadata"]["uid"] == before
