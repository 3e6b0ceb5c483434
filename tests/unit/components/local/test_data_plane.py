# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

from components.config.secret import Secret
from components.local.data_plane import LocalDataPlane, LocalDataPlaneArgs
from gateway.data_plane.master.vault_file import read_vault_file
from tests.support.cloud import bare, of
from tests.support.local import answer, config, control_plane_endpoint, identity, kafka_endpoint
from tests.support.registrations import Registration, register


def process(**secrets: str) -> Registration:
    def make() -> None:
        args = LocalDataPlaneArgs(
            config().ports,
            3,
            identity(),
            control_plane_endpoint(),
            kafka_endpoint(),
            "notice",
            "3.10",
            {name: Secret(value) for name, value in secrets.items()},
        )
        LocalDataPlane("dp", args)

    (found,) = of(register(make, answer), "gateway:local:Process").values()
    return found


def test_it_has_workers_and_knows_its_control_plane() -> None:
    environment = process().inputs["environment"]
    assert environment["KONG_NGINX_WORKER_PROCESSES"] == "3"
    assert environment["KONG_CLUSTER_CONTROL_PLANE"] == "127.0.0.1:8005"
    assert environment["KONG_CLUSTER_SERVER_NAME"] == "control-plane.kafka-gateway.local"


def test_what_the_vault_references_read_is_in_a_file_of_its_own() -> None:
    found = process()
    file = bare(found.inputs["files"])["vault.env"]
    assert file == "KAFKA_API_KEY=api-key\nKAFKA_API_SECRET=api-secret\n"
    assert found.inputs["environment"]["KAFKA_GATEWAY_ENV_FILE"].endswith("/vault.env")
    assert "vault.env" in found.inputs["reloadOn"]


def test_secrets_of_the_stack_are_read_back_as_they_were_set(tmp_path: Path) -> None:
    secrets = {"SHOP_KEY": "a b", "QUOTED": '"q"', "BLANKS": "  #x= ", "APOSTROPHE": "'"}
    file = tmp_path / "vault.env"
    file.write_text(bare(process(**secrets).inputs["files"])["vault.env"])
    found = read_vault_file(file)
    assert {name: found[name] for name in secrets} == secrets


def test_the_brokers_authority_is_trusted_beside_the_systems() -> None:
    trusted = process().inputs["environment"]["KONG_LUA_SSL_TRUSTED_CERTIFICATE"]
    assert trusted.startswith("system,")
    assert trusted.endswith("/kafka-ca.crt")
