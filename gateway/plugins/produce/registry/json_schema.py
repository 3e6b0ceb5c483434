# SPDX-License-Identifier: Apache-2.0
"""JSON Schema: the message is checked and sent as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from gateway.errors import SchemaMismatch, SchemaUnusable


class JsonSerializer:
    """Checks values against one schema; Draft 7, as Confluent does, when it names none.

    ``referenced``: name to schema. Nothing else is fetched: a schema decides over no connections
    of the gateway's. Raises ``SchemaUnusable``.
    """

    def __init__(self, schema: Any, referenced: Mapping[str, Any]) -> None:
        def retrieve(address: str) -> Any:
            # References are relative to the schema's own address, whatever that is.
            for name, other in referenced.items():
                if address == name or address.endswith(f"/{name}"):
                    return other
            raise ValueError(f"no reference is registered for {address}")

        try:
            named = isinstance(schema, dict) and "$schema" in schema
            make = jsonschema_rs.validator_for if named else jsonschema_rs.Draft7Validator
            self._validator = make(schema, retriever=retrieve)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
            raise SchemaUnusable(f"no JSON Schema: {str(error).partition(chr(10))[0]}") from None
        except (ValueError, TypeError) as error:
            raise SchemaUnusable(f"no JSON Schema: {error}") from None

    def serialize(self, value: Any, text: bytes) -> bytes:
        """Return ``text``, which is ``value``'s; raises ``SchemaMismatch``."""
        try:
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            raise SchemaMismatch(error.message, *error.instance_path) from None
        except ValueError as error:
            # The validator's own bound on nesting.
            raise SchemaMismatch(str(error)) from None
        return text
