# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from tests.support.cloud import bare, of, stand_up
from tests.support.registrations import Registration

KEY = "kafka-schemas-key"


@pytest.fixture(scope="module")
def found() -> list[Registration]:
    return stand_up("dev", schemaRegistry=True)


def test_a_key_of_its_own_reads_schemas_and_nothing_else(found: list[Registration]) -> None:
    key = of(found, "confluentcloud:index/apiKey:ApiKey")[KEY].inputs
    assert key["managedResource"]["id"] == "lsrc-1"
    binding = of(found, "confluentcloud:index/roleBinding:RoleBinding")["kafka-schemas"].inputs
    assert binding["roleName"] == "DeveloperRead"
    assert binding["crnPattern"] == "crn://registry/subject=*"


def test_the_data_plane_knows_the_registry(found: list[Registration]) -> None:
    secret = of(found, "kubernetes:core/v1:Secret")["data-plane-key-secret"]
    given: dict[str, Any] = {k: bare(v) for k, v in bare(secret.inputs["stringData"]).items()}
    assert given["SCHEMA_REGISTRY_URL"] == "https://psrc-1.us-east-2.aws.confluent.cloud"
    assert given["SCHEMA_REGISTRY_KEY"] == f"{KEY}-id"
    assert given["SCHEMA_REGISTRY_SECRET"] == "key-secret"


def test_without_one_nothing_is_made_for_it() -> None:
    assert KEY not in of(stand_up("dev"), "confluentcloud:index/apiKey:ApiKey")
