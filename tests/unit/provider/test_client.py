# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

from provider import client
from provider.registry import TYPES, implementation
from tests.support.registrations import register

ARGUMENTS: dict[str, dict[str, Any]] = {
    "Configuration": {"admin": {"url": "u"}, "owner": "o", "document": {"services": {}}},
    "PublishedRelease": {"admin": {"url": "u"}, "hold": "ci", "wait_seconds": 5},
    "Credential": {"prefix": "p", "keepers": {"a": "1"}},
    "ClusterCertificate": {"kind": "ca", "common_name": "c", "early_renewal_hours": 5},
    "KafkaTopic": {"endpoint": {"bootstrapServers": "b"}, "name": "t", "replication_factor": 1},
    "KafkaAcl": {
        "endpoint": {"bootstrapServers": "b"},
        "principal": "User:x",
        "resource_type": "topic",
        "resource_name": "t",
        "operation": "write",
    },
    "Process": {"name": "p", "directory": "/d", "command": ["c"], "stop_timeout_seconds": 3},
    "PrivateFiles": {"directory": "/d", "files": {"a": "1"}},
    "KonnectControlPlane": {"api": {"url": "u", "token": "t"}, "name": "n", "auth_type": "a"},
    "KonnectDataPlaneCertificate": {
        "api": {"url": "u", "token": "t"},
        "control_plane_id": "i",
        "certificate_pem": "p",
    },
}


def _classes() -> dict[str, Any]:
    found = inspect.getmembers(client, inspect.isclass)
    return {
        name: kind
        for name, kind in found
        if kind.__module__ == client.__name__ and not name.startswith("_")
    }


def test_there_is_a_class_for_every_type_and_an_example_of_each() -> None:
    assert set(_classes()) == set(ARGUMENTS)
    assert len(ARGUMENTS) == len(TYPES)


@pytest.mark.parametrize("name", sorted(ARGUMENTS))
def test_arguments_go_out_under_the_names_that_the_provider_checks(name: str) -> None:
    (registered,) = register(lambda: _classes()[name]("it", **ARGUMENTS[name]))
    given = {key for key, value in registered.inputs.items() if value is not None}
    assert given <= set(implementation(registered.type).schema.inputs)
    assert len(given) == len(ARGUMENTS[name])


def test_outputs_are_read_in_snake_case() -> None:
    values: list[str] = []

    def program() -> None:
        made = client.ClusterCertificate("it", kind="ca", common_name="c")
        made.private_key_pem.apply(values.append)

    register(program, lambda *_: {"privateKeyPem": "made"})
    assert values == ["made"]


def test_secrets_are_marked_on_the_programs_side_too() -> None:
    (registered,) = register(lambda: client.Credential("it"))
    assert registered.secret_outputs == ("secret",)


if TYPE_CHECKING:
    # mypy reports an ignored error that is none: it must refuse each of these calls.
    client.Credential("it", length="long")  # type: ignore[arg-type] # a number
    client.Credential("it", size=3)  # type: ignore[call-arg] # there is no such argument
    client.Credential("it", key="k")  # type: ignore[call-arg] # an output
    client.KafkaTopic("it", endpoint={})  # type: ignore[call-arg] # the name is missing
    client.Process("it", name="p", directory="/d", command=[1])  # type: ignore[list-item] # a text
