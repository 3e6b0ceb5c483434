# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.cloud.data_plane import keyed_digest, load_balancer_address
from components.config.environment import read_environment
from components.config.reader import ConfigReader
from tests.support.broker import Authority
from tests.support.chart import container, environment, render
from tests.support.cloud import DIGEST, bare, of, stand_up
from tests.support.registrations import Registration

HOST = "kong-cp-kong-cluster.kong-dp.svc"

CERTIFICATE = f"arn:aws:acm:us-east-2:123456789012:certificate/{'0a1b' * 9}"


@pytest.fixture(scope="module")
def prod() -> list[Registration]:
    return stand_up(
        "prod",
        hostname="api.example.com",
        certificateArn=CERTIFICATE,
        environment={"TZ": "UTC"},
    )


@pytest.fixture(scope="module")
def konnect() -> list[Registration]:
    return stand_up("konnect")


def release(found: list[Registration]) -> Registration:
    return of(found, "kubernetes:helm.sh/v3:Release")["data-plane"]


def values(found: list[Registration]) -> dict[str, Any]:
    made: dict[str, Any] = whole(release(found).inputs["values"])
    return made


def whole(value: Any) -> Any:
    """Numbers come back from the wire as floats."""
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def test_konnect_takes_kongs_chart_and_image_pinned(konnect: list[Registration]) -> None:
    one = release(konnect).inputs
    assert one["chart"] == "kong"
    assert one["repositoryOpts"] == {"repo": "https://charts.konghq.com"}
    assert one["version"].count(".") == 2
    assert one["values"]["image"]["repository"] == "kong/kong-gateway"
    assert one["values"]["image"]["tag"].startswith("3.10.")


def test_the_values_given_by_hand_are_there_by_their_names(
    konnect: list[Registration],
) -> None:
    made = values(konnect)
    for section in ("admin", "ingressController", "manager", "portal", "portalapi"):
        assert made[section] == {"enabled": False}
    assert made["proxy"]["enabled"] is True
    assert made["proxy"]["type"] == "LoadBalancer"
    assert made["secretVolumes"] == ["kong-cluster-cert", "kong-cluster-ca"]
    env = made["env"]
    assert env["role"] == "data_plane"
    assert env["cluster_control_plane"] == "abc.us.cp.konghq.com:443"
    assert env["cluster_server_name"] == "abc.us.cp.konghq.com"
    assert env["cluster_telemetry_endpoint"] == "abc.us.tp.konghq.com:443"
    assert env["cluster_telemetry_server_name"] == "abc.us.tp.konghq.com"
    assert env["cluster_cert"] == "/etc/secrets/kong-cluster-cert/tls.crt"
    assert env["status_listen"] == "0.0.0.0:8100"
    assert env["lua_ssl_trusted_certificate"].startswith("system,")


def test_it_waits_for_the_routes_since_it_is_ready_when_it_serves_them(
    prod: list[Registration],
) -> None:
    one = release(prod)
    assert one.depends_on("routes")
    assert one.depends_on("data-plane-key-secret")
    assert one.depends_on("cluster-nodes")


def test_it_is_taken_down_before_its_network(prod: list[Registration]) -> None:
    assert release(prod).deleted_with == "", "its load balancer would stay and hold the network"


def test_the_kafka_key_reaches_pods_by_reference_only(prod: list[Registration]) -> None:
    secret = of(prod, "kubernetes:core/v1:Secret")["data-plane-key-secret"]
    assert set(bare(secret.inputs["stringData"])) == {"KAFKA_API_KEY", "KAFKA_API_SECRET"}
    assert secret.is_secret("stringData")
    one = release(prod)
    assert one.inputs["values"]["envFrom"] == [{"secretRef": {"name": "kafka-api-key"}}]
    assert "key-secret-planted" not in one.raw
    annotations = one.inputs["values"]["podAnnotations"]
    assert annotations["kafka-gateway/kafka-key"] == "kafka-api-a-1-key-id"


EXISTING_KAFKA = {
    "kafka": "existing",
    "kafkaBootstrapServers": "kafka.example.com:9092",
    "kafkaApiKey": "key",
    "kafkaApiSecret": "secret-1",
}


def pod_annotations(**changes: Any) -> dict[str, str]:
    found = release(stand_up("dev", **{**EXISTING_KAFKA, **changes}))
    annotations: dict[str, str] = found.inputs["values"]["podAnnotations"]
    return annotations


def test_another_secret_under_the_same_key_and_another_authority_make_new_pods() -> None:
    authorities = [Authority.make().certificate for _ in range(2)]
    variants = [
        pod_annotations(),
        pod_annotations(kafkaApiSecret="secret-2"),
        *(pod_annotations(kafkaCaPem=pem) for pem in authorities),
    ]
    digests = [found["kafka-gateway/kafka-access"] for found in variants]
    assert len(set(digests)) == len(variants)
    assert pod_annotations() == variants[0], "the same access restarts nothing"


@given(st.text(), st.lists(st.text(), min_size=1, max_size=3), st.text())
def test_a_digest_depends_on_its_key_and_on_each_text(
    key: str, texts: list[str], more: str
) -> None:
    made = keyed_digest(key, texts)
    assert made == keyed_digest(key, list(texts))
    assert made != keyed_digest(key, [*texts, more])
    assert made != keyed_digest(key, [*texts[:-1], texts[-1] + "x"])
    assert made != keyed_digest(key + "x", texts)


def test_what_the_program_passes_is_what_the_chart_renders(prod: list[Registration]) -> None:
    objects = render(values(prod), release="kong-dp")
    workload = objects["Deployment", "kong-dp-kong"]
    assert container(workload)["image"].endswith(f"@{DIGEST}")
    settings = environment(workload)
    assert settings["KONG_CLUSTER_CONTROL_PLANE"] == f"{HOST}:8005"
    assert settings["KONG_CLUSTER_SERVER_NAME"] == HOST
    assert settings["TZ"] == "UTC"
    scaler = objects["HorizontalPodAutoscaler", "kong-dp-kong"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 12)
    service = objects["Service", "kong-dp-kong-proxy"]
    assert [port["port"] for port in service["spec"]["ports"]] == [443]
    annotations = service["metadata"]["annotations"]
    prefix = "service.beta.kubernetes.io/aws-load-balancer-"
    assert annotations[f"{prefix}ssl-cert"] == CERTIFICATE
    assert annotations[f"{prefix}backend-protocol"] == "ssl"
    assert annotations["external-dns.alpha.kubernetes.io/hostname"] == "api.example.com"


def test_no_variable_that_a_stack_sets_can_be_given_to_it(
    prod: list[Registration], konnect: list[Registration]
) -> None:
    rendered = environment(render(values(prod), release="kong-dp")["Deployment", "kong-dp-kong"])
    kongs = {f"KONG_{name.upper()}" for name in values(konnect)["env"]}
    names = {*rendered, *kongs} - {"TZ"}
    asked = ConfigReader("dev", {"environment": json.dumps(dict.fromkeys(names, "x"))})
    read_environment(asked, konnect=True)
    assert {problem.partition(":")[0] for problem in asked.problems} == {
        f"environment.{name}" for name in names
    }


def test_what_the_program_passes_a_control_plane_renders_too(prod: list[Registration]) -> None:
    one = of(prod, "kubernetes:helm.sh/v3:Release")["control-plane"]
    objects = render(whole(one.inputs["values"]), release="kong-cp")
    workload = objects["StatefulSet", "kong-cp-kong"]
    settings = environment(workload)
    assert settings["KONG_ADMIN_TOKEN_FILE"] == "/etc/secrets/control-plane-admin/token"
    assert settings["KONG_ADMIN_LISTEN"] == "127.0.0.1:8001"
    (port,) = objects["Service", "kong-cp-kong-cluster"]["spec"]["ports"]
    assert port["port"] == 8005


@pytest.mark.parametrize(
    ("status", "found"),
    [
        (None, ""),
        (SimpleNamespace(load_balancer=None), ""),
        (SimpleNamespace(load_balancer=SimpleNamespace(ingress=[])), ""),
        (
            SimpleNamespace(
                load_balancer=SimpleNamespace(ingress=[SimpleNamespace(hostname="h", ip=None)])
            ),
            "h",
        ),
        (
            SimpleNamespace(
                load_balancer=SimpleNamespace(
                    ingress=[SimpleNamespace(hostname=None, ip="1.2.3.4")]
                )
            ),
            "1.2.3.4",
        ),
    ],
)
def test_a_load_balancer_may_have_no_address_yet(status: Any, found: str) -> None:
    assert load_balancer_address(status) == found


def test_in_auto_mode_the_load_balancer_is_that_of_eks() -> None:
    proxy = values(stand_up("dev", clusterMode="auto"))["proxy"]
    assert proxy["loadBalancerClass"] == "eks.amazonaws.com/nlb"


def test_its_resources_and_workers_are_the_stacks_configuration() -> None:
    found = values(stand_up("dev", workers=4, resources={"memoryLimit": "1Gi", "cpuLimit": "2"}))
    assert found["resources"] == {
        "requests": {"cpu": "500m", "memory": "256Mi"},
        "limits": {"cpu": "2", "memory": "1Gi"},
    }
    assert found["env"]["nginx_worker_processes"] == "4"
    assert values(stand_up("dev", workers=0))["env"]["nginx_worker_processes"] == "auto"


def test_secrets_of_the_stack_stand_beside_the_kafka_key_and_make_new_pods() -> None:
    def made(value: str) -> tuple[dict[str, Any], str]:
        found = stand_up("dev", secrets={"SHOP_KEY": value})
        secret = of(found, "kubernetes:core/v1:Secret")["data-plane-key-secret"]
        access = values(found)["podAnnotations"]["kafka-gateway/kafka-access"]
        return bare(secret.inputs["stringData"]), access

    first, before = made("one")
    assert first["SHOP_KEY"] == "one"
    assert {"KAFKA_API_KEY", "KAFKA_API_SECRET"} < first.keys()
    assert made("two")[1] != before
