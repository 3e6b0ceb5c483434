# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.control_plane.admin.kong_errors import kong_error, schema_message
from gateway.entities import validate_row
from gateway.errors import (
    DocumentError,
    GatewayError,
    NotFound,
    QueryError,
    ReferenceViolation,
    ReleaseRefused,
    RequestRejected,
    SchemaViolation,
    StoreError,
    UniqueViolation,
    Unsupported,
)
from tests.support.control_plane import running
from tests.support.validation_rules import RULES


def _error(collection: str, data: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(SchemaViolation) as caught:
        validate_row(collection, data)
    status, body = kong_error(caught.value)
    assert status == 400
    return body


def test_one_violation_has_kongs_message() -> None:
    body = _error("services", {"host": "a.test", "port": 70000})
    assert (body["code"], body["name"]) == (2, "schema violation")
    assert body["message"] == "schema violation (port: value should be between 0 and 65535)"
    assert body["fields"] == {"port": "value should be between 0 and 65535"}


def test_several_violations_are_counted() -> None:
    body = _error("services", {"port": 70000, "bogus": 1})
    assert body["message"].startswith("3 schema violations (bogus: unknown field; host: ")


def test_nested_and_entity_violations_are_in_the_message() -> None:
    body = _error("plugins", {"name": "kafka-upstream", "config": {}})
    assert body["message"] == "schema violation (config.topic: required field missing)"
    body = _error("routes", {"protocols": ["https"]})
    assert body["message"].startswith("schema violation (must set one of 'methods', ")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ReferenceViolation("x"), 400, 4),
        (UniqueViolation("x"), 409, 5),
        (NotFound("Not found"), 404, None),
        (NotFound("Not found"), 404, None),
        (Unsupported("no"), 405, 12),
        (QueryError(9, "invalid size", "too large"), 400, 9),
        (StoreError("the database is locked", 503), 503, None),
        (DocumentError(["a: wrong", "b: wrong"]), 400, 2),
        (ReleaseRefused(["no"]), 409, None),
        (RequestRejected(413, "Payload too large"), 413, None),
        (GatewayError("secret detail"), 500, None),
    ],
)
def test_every_error_has_a_status(error: GatewayError, status: int, code: int | None) -> None:
    found, body = kong_error(error)
    assert found == status
    assert body.get("code") == code
    assert body["message"]
    assert "secret" not in str(body)


def test_a_wrong_document_lists_its_problems() -> None:
    body = kong_error(DocumentError(["a: wrong", "b: wrong"]))[1]
    assert body["problems"] == ["a: wrong", "b: wrong"]
    assert body["message"] == "2 schema violations (a: wrong; b: wrong)"


async def test_every_rule_answers_with_kongs_keys_and_texts(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        for collection, entity, fields in RULES:
            reply = await place.ask("POST", f"/schemas/{collection}/validate", entity)
            assert (reply.status, reply.body["code"]) == (400, 2), (entity, reply)
            assert reply.body["fields"] == fields, entity
            assert reply.body["message"] == schema_message(fields)
