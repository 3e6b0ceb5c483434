# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import SchemaViolation
from tests.support.policies import checked

NAME = "request-validator"
GOOD = {"body_schema": '[{"name": {"type": "string"}}]'}
PARAMETER = {"in": "query", "name": "x", "required": True}


def test_the_defaults_are_kongs() -> None:
    assert checked(NAME, **GOOD) == {
        **GOOD,
        "allowed_content_types": ["application/json"],
        "content_type_parameter_validation": True,
        "parameter_schema": None,
        "version": "kong",
        "verbose_response": False,
        "array_length_compat": True,
    }


def test_one_of_the_schemas_is_needed() -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(NAME)
    text = (
        "at least one of these fields must be non-empty: "
        "'config.body_schema', 'config.parameter_schema'"
    )
    assert caught.value.fields == {"@entity": [text]}


@pytest.mark.parametrize("version", ["kong", "draft4", "draft6", "draft7", "draft201909"])
@pytest.mark.parametrize("schema", ["{", "1", '[{"a": {"type": "strin"}}]', '{"type": "strin"}'])
def test_a_schema_that_is_none_is_refused(version: str, schema: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(NAME, body_schema=schema, version=version)
    assert "body_schema" in caught.value.fields["config"]


def test_a_schema_with_a_reference_elsewhere_is_refused() -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(NAME, version="draft7", body_schema='{"$ref": "http://127.0.0.1:1/x"}')
    assert "not a valid JSON schema" in caught.value.fields["config"]["body_schema"]


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"style": "form"}, "@entity"),
        ({"style": "form", "explode": True}, "@entity"),
        ({"style": "label", "explode": True, "schema": '{"type":"string"}'}, "style"),
        ({"style": "form", "explode": True, "schema": "{}"}, "schema"),
        ({"style": "form", "explode": True, "schema": '{"type":"x"}'}, "schema"),
    ],
)
def test_the_fields_of_a_parameter_go_together(more: dict[str, Any], field: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(NAME, parameter_schema=[{**PARAMETER, **more}])
    assert field in caught.value.fields["config"]["parameter_schema"]["1"]


def test_a_parameter_needs_place_name_and_whether_it_is_required() -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(NAME, parameter_schema=[{}])
    fields = caught.value.fields["config"]["parameter_schema"]["1"]
    assert fields == dict.fromkeys(("in", "name", "required"), "required field missing")
