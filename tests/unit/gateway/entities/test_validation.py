# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from gateway.entities import ENTITIES, entity_type, validate_row
from gateway.entities.shape import Shape, shape_of
from gateway.errors import NotFound, SchemaViolation
from gateway.plugins.registry import plugin_types
from tests.support.certificates import self_signed

CONSUMER = "11111111-2222-3333-4444-555555555555"


def _models() -> Iterator[tuple[str, type[BaseModel]]]:
    for entity in ENTITIES.values():
        yield entity.collection, entity.model
    for plugin in plugin_types().values():
        yield plugin.name, plugin.schema


def _undescribed(shape: Shape, path: str) -> Iterator[str]:
    for name, field in (shape.fields or {}).items():
        where = f"{path}.{name}"
        sentence = field.description
        if not (sentence[:1].isupper() and sentence.endswith(".") and sentence.count(" ") > 1):
            yield where
        yield from _undescribed(field, where)
        if field.elements is not None:
            yield from _undescribed(field.elements, where)


@pytest.mark.parametrize(("name", "model"), list(_models()))
def test_every_field_is_described_by_a_full_sentence(name: str, model: type[BaseModel]) -> None:
    assert list(_undescribed(shape_of(model), name)) == []


def _sound(collection: str) -> dict[str, Any]:
    cert, key = self_signed(authority=True)
    owned = {"consumer": CONSUMER}
    rows: dict[str, dict[str, Any]] = {
        "services": {"host": "a.test"},
        "routes": {"paths": ["/"]},
        "plugins": {"name": "kafka-upstream", "config": {"topic": "t"}},
        "consumers": {"username": "alice"},
        "upstreams": {"name": "up"},
        "targets": {"target": "10.0.0.1", "upstream": CONSUMER},
        "certificates": {"cert": cert, "key": key},
        "snis": {"name": "*.a.test", "certificate": CONSUMER},
        "ca_certificates": {"cert": cert},
        "vaults": {"prefix": "my-env", "name": "env"},
        "keys": {"kid": "1", "jwk": "{}"},
        "key_sets": {"name": "s"},
        "keyauth_credentials": owned,
        "basicauth_credentials": {**owned, "username": "u", "password": "p"},
        "jwt_secrets": owned,
        "acls": {**owned, "group": "g"},
        "hmacauth_credentials": {**owned, "username": "u"},
        "oauth2_credentials": {**owned, "name": "app"},
    }
    return rows[collection]


@pytest.mark.parametrize("collection", ENTITIES)
def test_every_row_is_complete_and_a_fixed_point(collection: str) -> None:
    row = validate_row(collection, _sound(collection))
    assert set(row) == set(ENTITIES[collection].model.model_fields)
    assert validate_row(collection, row) == row


def test_an_unknown_collection_names_the_nearest() -> None:
    with pytest.raises(NotFound, match='did you mean "services"'):
        entity_type("service")


def test_what_is_no_map_is_refused() -> None:
    with pytest.raises(SchemaViolation):
        validate_row("services", [])  # type: ignore[arg-type]  # what a client may send


def test_a_target_gets_the_default_port() -> None:
    assert validate_row("targets", _sound("targets"))["target"] == "10.0.0.1:8000"
    assert (
        validate_row("targets", {"target": "::1", "upstream": CONSUMER})["target"] == "[::1]:8000"
    )


def test_a_credential_without_key_gets_a_random_one() -> None:
    first, second = (validate_row("keyauth_credentials", {"consumer": CONSUMER}) for _ in range(2))
    assert len(first["key"]) == 32
    assert first["key"] != second["key"]


def test_health_check_numbers_stay_integers() -> None:
    active = {"timeout": 2, "healthy": {"interval": 5.0}}
    row = validate_row("upstreams", {"name": "up", "healthchecks": {"active": active}})
    checks = row["healthchecks"]["active"]
    assert isinstance(checks["timeout"], int)
    assert isinstance(checks["healthy"]["interval"], int)
    assert row["healthchecks"]["passive"]["unhealthy"]["http_statuses"] == [429, 500, 503]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"name": "1.2.3.4"}, "name"),
        ({"name": "up", "hash_on": "header"}, "hash_on_header"),
        ({"name": "up", "hash_fallback": "ip"}, "hash_fallback"),
        ({"name": "up", "hash_on": "ip", "hash_fallback": "ip"}, "hash_fallback"),
        ({"name": "up", "slots": 9}, "slots"),
        ({"name": "up", "host_header": "a b"}, "host_header"),
    ],
)
def test_an_upstream_that_makes_no_sense_is_refused(data: dict[str, Any], field: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("upstreams", data)
    assert field in caught.value.fields


def test_hashing_means_consistent_hashing() -> None:
    row = validate_row("upstreams", {"name": "up", "hash_on": "ip"})
    assert row["algorithm"] == "consistent-hashing"


@pytest.mark.parametrize(
    ("collection", "data"),
    [
        ("consumers", {"tags": ["a"]}),
        ("certificates", {"cert": "x", "key": "y"}),
        ("ca_certificates", {"cert": self_signed()[0]}),
        ("jwt_secrets", {"consumer": CONSUMER, "algorithm": "RS256"}),
        ("keys", {"kid": "1"}),
        ("vaults", {"prefix": "UPPER", "name": "env"}),
    ],
)
def test_other_entities_are_checked_too(collection: str, data: dict[str, Any]) -> None:
    with pytest.raises(SchemaViolation):
        validate_row(collection, data)


def test_certificates_may_be_vault_references() -> None:
    row = validate_row(
        "certificates", {"cert": "{vault://env/CERT}", "key": "{vault://env/CERT_KEY}"}
    )
    assert row["cert"] == "{vault://env/CERT}"


def test_no_message_shows_a_secret() -> None:
    planted = "planted-secret"
    data = {"name": "kafka-upstream", "config": {"topic": 5, "authentication": {"user": [planted]}}}
    with pytest.raises(SchemaViolation) as caught:
        validate_row("plugins", data)
    assert planted not in str(caught.value) + str(caught.value.problems)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
