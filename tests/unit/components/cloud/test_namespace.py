# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pulumi
import pytest

from components.cloud.namespace import make_namespace
from tests.support.cloud import answer, bare, given_cluster
from tests.support.registrations import Registration, register


@pytest.fixture(scope="module")
def found() -> dict[str, Registration]:
    def make() -> None:
        parent = pulumi.ComponentResource("test:index:Whole", "whole")
        namespace = make_namespace("space", parent, "kong-dp", "restricted", given_cluster())
        namespace.secret("held", parent, "kafka-api-key", {"KEY": "value"})

    return {one.name: one for one in register(make, answer)}


def test_a_namespace_refuses_pods_below_its_standard(found: dict[str, Registration]) -> None:
    assert found["space"].inputs["metadata"] == {
        "name": "kong-dp",
        "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
    }


def test_a_secret_comes_after_its_namespace_and_its_values_never_show(
    found: dict[str, Registration],
) -> None:
    held = found["held"]
    assert held.inputs["metadata"] == {"name": "kafka-api-key", "namespace": "kong-dp"}
    assert bare(held.inputs["stringData"]) == {"KEY": "value"}
    assert held.is_secret("stringData")
    assert held.depends_on("space")
    assert held.deleted_with.endswith("::cluster")
