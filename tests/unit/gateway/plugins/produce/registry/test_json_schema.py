# SPDX-License-Identifier: Apache-2.0
"""Messages checked against JSON Schema."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.errors import SchemaMismatch, SchemaUnusable
from gateway.plugins.produce.registry.serializer import Registered, Serializer


def serializer(schema: Any, references: Any = ()) -> Serializer:
    texts = tuple((name, orjson.dumps(one).decode()) for name, one in references)
    return Serializer(Registered(7, "JSON", orjson.dumps(schema).decode(), texts), simple=False)


def test_the_text_is_sent_as_it_is() -> None:
    assert serializer({"type": "object"}).value(b'{"a":  1.10}') == b'\0\0\0\0\7{"a":  1.10}'


def test_what_does_not_fit_is_told_with_its_place() -> None:
    schema = {"properties": {"a": {"items": {"type": "string"}}}}
    with pytest.raises(SchemaMismatch, match=r"^\$\.a\[1\] 1 is not of type"):
        serializer(schema).value(b'{"a": ["x", 1]}')


def test_a_schema_that_names_no_draft_is_of_draft_7() -> None:
    # In later drafts the members beside a reference count.
    schema = {"definitions": {"any": {}}, "$ref": "#/definitions/any", "type": "string"}
    assert serializer(schema).value(b"1")
    later = schema | {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    with pytest.raises(SchemaMismatch):
        serializer(later).value(b"1")


def test_references_come_from_the_registry_and_from_nowhere_else() -> None:
    schema = {"properties": {"item": {"$ref": "item.json"}}}
    made = serializer(schema, [("item.json", {"type": "string"})])
    assert made.value(b'{"item": "a"}')
    with pytest.raises(SchemaMismatch):
        made.value(b'{"item": 1}')
    with pytest.raises(SchemaUnusable, match="no reference is registered"):
        serializer({"$ref": "http://127.0.0.1:9/item.json"})
    with pytest.raises(SchemaUnusable):
        serializer({"$ref": "file:///etc/hostname"})


@pytest.mark.parametrize("schema", [{"type": 5}, 5, [1]])
def test_what_is_no_schema_cannot_be_used(schema: Any) -> None:
    with pytest.raises(SchemaUnusable):
        serializer(schema)


def test_what_is_nested_too_deeply_is_refused() -> None:
    schema = {"properties": {"a": {"$ref": "#"}}, "type": "object"}
    with pytest.raises(SchemaMismatch):
        serializer(schema).value(b'{"a":' * 900 + b"1" + b"}" * 900)


def test_other_kinds_of_schemas_are_not_supported() -> None:
    with pytest.raises(SchemaUnusable, match="type PROTOBUF are not supported"):
        Serializer(Registered(1, "PROTOBUF", 'syntax = "proto3";'), simple=False)


@pytest.mark.parametrize("number", ["1e400", "-2.50E+999", "9" * 310, "9" * 5000])
def test_numbers_of_any_size_are_checked_and_kept_as_they_are(number: str) -> None:
    made = serializer({"type": "number"})
    assert made.value(number.encode()).endswith(number.encode())
    small = serializer({"type": "number", "maximum": 10})
    if not number.startswith("-"):
        with pytest.raises(SchemaMismatch):
            small.value(number.encode())
