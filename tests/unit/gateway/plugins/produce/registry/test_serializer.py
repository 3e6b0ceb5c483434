# SPDX-License-Identifier: Apache-2.0
"""Confluent's wire format, and what is not JSON."""

from __future__ import annotations

import pytest

from gateway.errors import SchemaMismatch, SchemaUnusable
from gateway.plugins.produce.registry.serializer import Registered, Serializer


def test_a_record_begins_with_a_zero_byte_and_the_schemas_id() -> None:
    written = Serializer(Registered(258, "AVRO", '"string"'), simple=True).value(b'"a"')
    assert written == b"\0\0\0\x01\x02" + b"\x02a"


def test_a_message_that_is_no_json_fits_strings_alone() -> None:
    assert Serializer(Registered(1, "AVRO", '"string"'), simple=True).value(b"{").endswith(b"{")
    with pytest.raises(SchemaMismatch, match="is not JSON"):
        Serializer(Registered(1, "AVRO", '"int"'), simple=True).value(b"{")


@pytest.mark.parametrize("kind", ["PROTOBUF", "OTHER"])
def test_other_kinds_of_schemas_cannot_be_used(kind: str) -> None:
    with pytest.raises(SchemaUnusable):
        Serializer(Registered(1, kind, ""), simple=True)
