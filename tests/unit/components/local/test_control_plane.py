# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from components.local.control_plane import LocalControlPlane, LocalControlPlaneArgs
from tests.support.cloud import bare, of
from tests.support.local import answer, config, identity, kafka_endpoint
from tests.support.registrations import Registration, register


def control_plane() -> list[Registration]:
    args = LocalControlPlaneArgs
    return register(
        lambda: LocalControlPlane(
            "cp", args(config().ports, identity(), "notice", "3.10", kafka_endpoint())
        ),
        answer,
    )


def test_it_listens_on_loopback_and_knows_its_token_by_a_file() -> None:
    (one,) = of(control_plane(), "gateway:local:Process").values()
    environment = one.inputs["environment"]
    assert environment["KONG_ADMIN_LISTEN"] == "127.0.0.1:8001"
    assert environment["KONG_ADMIN_GUI_LISTEN"] == "127.0.0.1:8002"
    assert environment["KONG_CLUSTER_LISTEN"] == "127.0.0.1:8005"
    assert environment["KONG_ADMIN_TOKEN_FILE"] == f"{one.inputs['directory']}/admin-token"
    assert bare(one.inputs["files"])["admin-token"] == "cp-admin-token-secret"
    assert "cp-admin-token-secret" not in str(environment)
    assert environment["KAFKA_GATEWAY_PAGE_KAFKA"] == "127.0.0.1:9092"
    assert environment["KAFKA_GATEWAY_PAGE_KAFKA_USER"] == "reader-key"
    assert bare(one.inputs["files"])["reader-secret"] == "reader-secret"
