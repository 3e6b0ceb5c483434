# SPDX-License-Identifier: Apache-2.0
"""Confluent's wire format: a zero byte, the schema's id (32 bits, big-endian), the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from gateway.errors import SchemaMismatch, SchemaUnusable
from gateway.plugins.produce import json_text

_MAGIC = b"\0"
_DEEPEST = 1100
"""More than a request's body may be nested, with the envelope around it."""


class _Format(Protocol):
    def serialize(self, value: Any, text: bytes) -> bytes: ...


@dataclass(frozen=True)
class Registered:
    """A schema as the registry has it; ``references`` by name, the innermost first."""

    id: int
    kind: str
    """``AVRO``, ``JSON`` or ``PROTOBUF``."""
    text: str
    references: tuple[tuple[str, str], ...] = ()


class Serializer:
    """Makes records of messages; one for each schema. Raises ``SchemaUnusable``."""

    def __init__(self, schema: Registered, *, simple: bool) -> None:
        self._format = _format(schema, simple)
        self._prefix = _MAGIC + schema.id.to_bytes(4, "big")

    def value(self, message: bytes) -> bytes:
        """Return a message as a record's value; raises ``SchemaMismatch``.

        The message is JSON; one that is not counts as a string.
        """
        try:
            value = _load(message)
        except ValueError as error:
            try:
                return self._text(message)
            except SchemaMismatch:
                raise SchemaMismatch(f"is not JSON: {error}") from None
        return self._prefix + self._format.serialize(value, message)

    def key(self, key: bytes) -> bytes:
        """Return a key as a record's key: a string where the schema takes one, otherwise JSON."""
        try:
            return self._text(key)
        except SchemaMismatch:
            return self.value(key)

    def _text(self, text: bytes) -> bytes:
        try:
            value = text.decode()
        except UnicodeDecodeError:
            raise SchemaMismatch("is neither JSON nor UTF-8") from None
        return self._prefix + self._format.serialize(value, orjson.dumps(value))


def _load(message: bytes) -> Any:
    """Return a message's value, numbers of any size too; raises ``ValueError``."""
    try:
        return orjson.loads(message)
    except orjson.JSONDecodeError:
        json_text.check(message, _DEEPEST)
        message.decode()
        return json_text.load(message)


def _format(schema: Registered, simple: bool) -> _Format:
    # Imported late: most workers never need these.
    if schema.kind == "AVRO":
        from gateway.plugins.produce.registry.avro import AvroSerializer

        referenced = [_avro(text) for _, text in schema.references]
        return AvroSerializer(_avro(schema.text), referenced, simple=simple)
    if schema.kind == "JSON":
        from gateway.plugins.produce.registry.json_schema import JsonSerializer

        named = {name: _json(text) for name, text in schema.references}
        return JsonSerializer(_json(schema.text), named)
    raise SchemaUnusable(f"schemas of type {schema.kind} are not supported: AVRO and JSON are")


def _avro(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # A bare type's name, without quotes.
        return text


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise SchemaUnusable(f"no JSON Schema: {error}") from None
