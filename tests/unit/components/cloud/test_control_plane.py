# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from components.cloud.control_plane import control_plane_values
from components.cloud.stack import make_certificates, make_control_plane
from components.config.cloud import CloudConfig
from components.config.pods import PodConfig
from tests.support.cloud import DIGEST, bare, given_cluster, of, stand_up_part
from tests.support.registrations import Registration

PODS = PodConfig("100m", "", "128Mi", "256Mi")


def control_plane(stack: str, **changes: Any) -> list[Registration]:
    def make(config: CloudConfig) -> None:
        cluster = given_cluster()
        make_control_plane(config, cluster, make_certificates(config, cluster))

    return stand_up_part(make, stack, **changes)


@pytest.fixture(scope="module")
def dev() -> list[Registration]:
    return control_plane("dev")


def release(found: list[Registration]) -> Registration:
    return of(found, "kubernetes:helm.sh/v3:Release")["control-plane"]


def test_it_is_our_chart_with_an_image_by_digest(dev: list[Registration]) -> None:
    one = release(dev)
    assert one.inputs["chart"] == "./gateway/chart"
    assert "+" in one.inputs["version"], "the version must change with the chart's content"
    assert one.inputs["values"]["image"]["digest"] == DIGEST
    assert one.inputs["values"]["env"]["role"] == "control_plane"
    assert one.inputs["atomic"] is True
    assert "::cluster-kubernetes" in one.provider


def test_its_token_and_keyring_key_are_in_a_secret_that_it_waits_for(
    dev: list[Registration],
) -> None:
    secret = of(dev, "kubernetes:core/v1:Secret")["control-plane-admin-secret"]
    assert set(bare(secret.inputs["stringData"])) == {"token", "keyring"}
    assert secret.is_secret("stringData")
    one = release(dev)
    for name in ("control-plane-admin-secret", "certificates-control-plane-secret"):
        assert one.depends_on(name)
    assert "made-up" not in one.raw


def test_its_database_is_encrypted_with_the_newest_key_and_keeps_the_earlier_ones() -> None:
    found = control_plane("dev", keyringGeneration=2)
    keys = [name for name in of(found, "gateway:index:Credential") if "keyring" in name]
    assert sorted(keys) == ["control-plane-keyring-1", "control-plane-keyring-2"]
    secret = of(found, "kubernetes:core/v1:Secret")["control-plane-admin-secret"]
    assert secret.depends_on("control-plane-keyring-1")
    assert len(bare(bare(secret.inputs["stringData"])["keyring"]).splitlines()) == 2
    env = release(found).inputs["values"]["env"]
    assert env["keyring_file"] == "/etc/secrets/control-plane-admin/keyring"


def test_its_pods_come_after_nodes_and_storage(dev: list[Registration]) -> None:
    one = release(dev)
    assert one.depends_on("cluster-nodes")
    assert one.depends_on("cluster-storage")
    assert one.inputs["values"]["persistence"]["storageClass"] == "kafka-gateway"


def test_another_compatibility_version_than_the_default_is_a_variable() -> None:
    values = control_plane_values({}, "notice", "gp3", {}, "3.14", PODS)
    assert values["customEnv"] == {"KAFKA_GATEWAY_COMPATIBILITY_VERSION": "3.14"}
    assert "customEnv" not in control_plane_values({}, "notice", "gp3", {}, "3.10", PODS)


def test_its_resources_are_the_stacks_configuration() -> None:
    found = release(control_plane("dev", controlPlaneResources={"memoryLimit": "1Gi", "cpu": "1"}))
    assert found.inputs["values"]["resources"] == {
        "requests": {"cpu": "1", "memory": "256Mi"},
        "limits": {"memory": "1Gi"},
    }
