# SPDX-License-Identifier: Apache-2.0
"""The chart as a control plane, rendered by real helm."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.chart import CHART, container, environment, render, run_helm

NAME = "cp-kafka-gateway"
ROLE = {"env": {"role": "control_plane"}}


def rendered(values: dict[str, Any] | None = None) -> dict[tuple[str, str], dict[str, Any]]:
    return render({**ROLE, **(values or {})}, release="cp")


def test_its_releases_live_on_a_volume_that_outlives_an_uninstall() -> None:
    spec = rendered()["StatefulSet", NAME]["spec"]
    assert spec["replicas"] == 1
    (claim,) = spec["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "prefix"
    assert spec["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == "Retain"
    mounts = [mount["name"] for mount in container(rendered()["StatefulSet", NAME])["volumeMounts"]]
    assert mounts == ["prefix"]


def test_its_admin_api_is_reached_through_a_port_forward_only() -> None:
    objects = rendered()
    settings = environment(objects["StatefulSet", NAME])
    assert settings["KONG_ADMIN_LISTEN"] == "127.0.0.1:8001"
    assert ("Service", f"{NAME}-admin") not in objects
    assert "KONG_DATABASE" not in settings


def test_an_enabled_admin_section_gives_it_a_service() -> None:
    objects = rendered({"admin": {"enabled": True}})
    assert objects["Service", f"{NAME}-admin"]["spec"]["type"] == "ClusterIP"
    settings = environment(objects["StatefulSet", NAME])
    assert settings["KONG_ADMIN_LISTEN"] == "0.0.0.0:8001"


def test_its_page_is_reached_through_a_port_forward_unless_it_is_enabled() -> None:
    objects = rendered()
    assert ("Service", f"{NAME}-admin-gui") not in objects
    assert "KONG_ADMIN_GUI_LISTEN" not in environment(objects["StatefulSet", NAME]), "its default"


def test_an_enabled_page_has_a_port_a_service_and_a_way_in() -> None:
    gui = {"enabled": True, "labels": {"team": "a"}, "tls": {"enabled": True}}
    objects = rendered({"adminGui": gui})
    settings = environment(objects["StatefulSet", NAME])
    assert settings["KONG_ADMIN_GUI_LISTEN"] == "0.0.0.0:8002, 0.0.0.0:8445 ssl"
    assert settings["KONG_ADMIN_LISTEN"] == "127.0.0.1:8001", "the Admin API stays where it is"
    service = objects["Service", f"{NAME}-admin-gui"]
    assert service["metadata"]["labels"]["team"] == "a"
    ports = {one["port"]: one["targetPort"] for one in service["spec"]["ports"]}
    assert ports == {8002: "admin-gui", 8445: "admin-gui-tls"}
    named = {one["name"] for one in container(objects["StatefulSet", NAME])["ports"]}
    assert {"admin-gui", "admin-gui-tls"} <= named
    allowed = {
        port["port"]
        for rule in objects["NetworkPolicy", NAME]["spec"]["ingress"]
        for port in rule.get("ports", ())
    }
    assert {"admin-gui", "admin-gui-tls"} <= allowed


def test_a_data_plane_has_no_page() -> None:
    objects = render({"adminGui": {"enabled": True}}, release="dp")
    assert not [name for _, name in objects if name.endswith("-admin-gui")]
    settings = environment(objects["Deployment", "dp-kafka-gateway"])
    assert "KONG_ADMIN_GUI_LISTEN" not in settings


def test_data_planes_reach_its_cluster_port_and_clients_nothing() -> None:
    objects = rendered()
    (port,) = objects["Service", f"{NAME}-cluster"]["spec"]["ports"]
    assert port["port"] == 8005
    assert ("Service", f"{NAME}-proxy") not in objects
    settings = environment(objects["StatefulSet", NAME])
    assert settings["KONG_PROXY_LISTEN"] == "off"
    assert settings["KONG_CLUSTER_LISTEN"] == "0.0.0.0:8005"
    ports = {port["name"] for port in container(objects["StatefulSet", NAME])["ports"]}
    assert ports == {"cluster-tls", "status"}


def test_its_network_policy_lets_it_call_nobody_but_the_name_service() -> None:
    spec = rendered()["NetworkPolicy", NAME]["spec"]
    (rule,) = spec["egress"]
    assert {port["port"] for port in rule["ports"]} == {53}
    assert all("from" in item for item in spec["ingress"])


def test_a_secret_reaches_a_setting_by_reference() -> None:
    token = {"secretKeyRef": {"name": "control-plane-admin", "key": "token"}}
    objects = render(
        {"env": {"role": "control_plane", "admin_token": {"valueFrom": token}}}, release="cp"
    )
    assert environment(objects["StatefulSet", NAME])["KONG_ADMIN_TOKEN"] == token


@pytest.mark.parametrize("values", [{"replicaCount": 2}, {"autoscaling": {"enabled": True}}])
def test_a_second_replica_is_refused_because_the_store_has_one_writer(
    values: dict[str, Any],
) -> None:
    code, text = run_helm("template", "cp", str(CHART), "-f", "-", values={**ROLE, **values})
    assert code != 0
    assert "one replica" in text


def test_a_pod_that_never_gets_ready_does_not_block_the_way_back() -> None:
    assert rendered()["StatefulSet", NAME]["spec"]["podManagementPolicy"] == "Parallel"


PASSWORD = {"secretKeyRef": {"name": "kong-postgres", "key": "password"}}
POSTGRES = {
    "env": {
        "role": "control_plane",
        "database": "postgres",
        "pg_host": "db.test",
        "pg_port": 6432,
        "pg_password": {"valueFrom": PASSWORD},
        "keyring_file": "/etc/secrets/keyring/keyring",
    },
    "secretVolumes": ["keyring"],
    "replicaCount": 2,
}


def test_with_postgres_there_are_several_without_a_volume() -> None:
    objects = render({**POSTGRES, "admin": {"enabled": True}}, release="cp")
    workload = objects["StatefulSet", NAME]
    assert workload["spec"]["replicas"] == 2
    assert "volumeClaimTemplates" not in workload["spec"]
    volumes = {one["name"]: one for one in workload["spec"]["template"]["spec"]["volumes"]}
    assert "emptyDir" in volumes["prefix"]
    settings = environment(workload)
    assert (settings["KONG_DATABASE"], settings["KONG_PG_PORT"]) == ("postgres", "6432")
    assert settings["KONG_PG_PASSWORD"] == PASSWORD, "by reference"
    assert objects["Service", f"{NAME}-admin"]["spec"]["sessionAffinity"] == "ClientIP"
    assert "sessionAffinity" not in objects["Service", f"{NAME}-cluster"]["spec"]
    rules = objects["NetworkPolicy", NAME]["spec"]["egress"]
    assert [port["port"] for rule in rules for port in rule["ports"]] == [53, 53, 6432]


def test_one_with_postgres_has_no_need_of_affinity() -> None:
    values = {**POSTGRES, "replicaCount": 1, "admin": {"enabled": True}}
    objects = render(values, release="cp")
    assert "sessionAffinity" not in objects["Service", f"{NAME}-admin"]["spec"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"env": {"role": "control_plane", "database": "postgres"}}, "needs env.keyring_file"),
        ({"autoscaling": {"enabled": True}}, "is not scaled by load"),
    ],
)
def test_what_several_control_planes_cannot_have_is_refused(
    change: dict[str, Any], said: str
) -> None:
    values = {**POSTGRES, **change}
    code, text = run_helm("template", "cp", str(CHART), "-f", "-", values=values)
    assert code != 0
    assert said in text
