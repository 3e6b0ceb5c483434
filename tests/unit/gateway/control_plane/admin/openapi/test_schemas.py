# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.control_plane.admin.openapi.schemas import entity_schemas, name_of
from gateway.entities import ENTITIES


def test_each_entity_is_answered_written_and_changed() -> None:
    found = entity_schemas()
    for collection, entity in ENTITIES.items():
        name = name_of(collection)
        answered, written = found[name], found[f"{name}Write"]
        assert set(answered["properties"]) - set(answered["required"]) <= {"condition", "partials"}
        assert set(entity.model.model_fields) <= set(written["properties"])
        assert "required" not in found[f"{name}Patch"]
        for field in entity.foreign:
            assert "id" in str(answered["properties"][field])


def test_what_is_not_required_may_be_null() -> None:
    service = entity_schemas()["ServiceWrite"]["properties"]
    assert {"type": "null"} in service["port"]["anyOf"]
    assert service["host"]["type"] == "string"
