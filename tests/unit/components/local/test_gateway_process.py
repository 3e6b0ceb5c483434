# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pulumi

from components.local.gateway_process import GatewayProcessArgs, gateway_process
from tests.support.cloud import bare
from tests.support.local import answer, config, identity
from tests.support.registrations import Registration, register


def process(version: str = "3.10") -> Registration:
    def make() -> None:
        wanted = GatewayProcessArgs(
            role="data_plane",
            ports=config().ports,
            listens=("proxy", "status"),
            identity=identity(),
            log_level="info",
            compatibility_version=version,
            environment={"KONG_DATABASE": "off"},
            files={"own.txt": pulumi.Output.secret("own-secret")},
        )
        gateway_process("dp", wanted, pulumi.ResourceOptions())

    (found,) = register(make, answer)
    return found


def test_a_role_adds_its_own_to_what_both_have() -> None:
    inputs = process().inputs
    environment = inputs["environment"]
    assert (environment["KONG_ROLE"], environment["KONG_DATABASE"]) == ("data_plane", "off")
    assert environment["KONG_CLUSTER_CERT"] == f"{inputs['directory']}/cluster.crt"
    assert inputs["ports"] == {"proxy": 8000, "status": 8100}
    assert inputs["portKeys"] == {"proxy": "proxyPort", "status": "statusPort"}


def test_it_is_there_once_its_status_api_is_ready() -> None:
    inputs = process().inputs
    assert inputs["environment"]["KONG_STATUS_LISTEN"] == "127.0.0.1:8100"
    assert inputs["ready"]["url"] == "http://127.0.0.1:8100/status/ready"


def test_every_file_is_a_secret_and_taken_over_without_a_restart() -> None:
    found = process()
    assert found.is_secret("files")
    assert set(found.inputs["reloadOn"]) == set(bare(found.inputs["files"]))
    assert "secret" not in str(found.inputs["command"])


def test_another_compatibility_version_than_the_default_is_a_setting() -> None:
    name = "KAFKA_GATEWAY_COMPATIBILITY_VERSION"
    assert process("3.14").inputs["environment"][name] == "3.14"
    assert name not in process().inputs["environment"]
