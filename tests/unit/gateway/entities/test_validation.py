# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.entities import ENTITIES, entity_type, validate_row
from gateway.errors import NotFound, SchemaViolation
from tests.support.certificates import self_signed

CONSUMER = "11111111-2222-3333-4444-555555555555"


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
        "mtls_auth_credentials": {**owned, "subject_name": "ann"},
        "consumer_groups": {"name": "gold"},
        "consumer_group_consumers": {**owned, "consumer_group": CONSUMER},
        "hmacauth_credentials": {**owned, "username": "u"},
        "oauth2_credentials": {**owned, "name": "app"},
        "partials": {"name": "r", "type": "redis-ce"},
    }
    return rows[collection]


@pytest.mark.parametrize("collection", ENTITIES)
def test_every_row_is_complete_and_a_fixed_point(collection: str) -> None:
    row = validate_row(collection, _sound(collection))
    # A plugin without a condition has no such field: see what validation says of it.
    without = {"condition", "partials"} if collection == "plugins" else set()
    assert set(row) == set(ENTITIES[collection].model.model_fields) - without
    assert validate_row(collection, row) == row


def test_an_unknown_collection_names_the_nearest() -> None:
    with pytest.raises(NotFound, match='did you mean "services"'):
        entity_type("service")


def test_what_is_no_map_is_refused() -> None:
    with pytest.raises(SchemaViolation):
        validate_row("services", [])  # type: ignore[arg-type]  # what a client may send


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


def test_no_message_shows_a_secret() -> None:
    planted = "planted-secret"
    data = {"name": "kafka-upstream", "config": {"topic": 5, "authentication": {"user": [planted]}}}
    with pytest.raises(SchemaViolation) as caught:
        validate_row("plugins", data)
    assert planted not in str(caught.value) + str(caught.value.problems)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_what_plugins_have_elsewhere_may_be_null_and_leaves_nothing() -> None:
    plain = validate_row("plugins", {"name": "key-auth"})
    given = validate_row("plugins", {"name": "key-auth", "ordering": None, "condition": None})
    assert given.keys() == plain.keys()


@pytest.mark.parametrize("field", [{"ordering": {"before": {"access": ["acl"]}}}])
def test_what_plugins_have_elsewhere_is_refused_in_words(field: dict[str, Any]) -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("plugins", {"name": "key-auth", **field})
    [name] = field
    assert caught.value.fields[name] == "value must be null"
    assert " here" in caught.value.problems[0]


def test_a_condition_is_kept_as_it_was_written() -> None:
    text = ' http.headers.x_block == "true" '
    assert validate_row("plugins", {"name": "key-auth", "condition": text})["condition"] == text


@pytest.mark.parametrize(
    ("data", "said", "problem"),
    [
        ({"name": "key-auth", "condition": "http.meth"}, "line 1, column 5", "line 1, column 5"),
        ({"name": "key-auth", "condition": "true" + 1021 * " "}, "1024 at most", "1024"),
        ({"name": "key-auth", "condition": True}, "expected a string", "string"),
        (
            {"name": "pre-function", "config": {"access": ["return 1"]}, "condition": "true"},
            "value must be null",
            "pre-function has no condition",
        ),
    ],
)
def test_what_is_no_condition_is_refused_under_its_field(
    data: dict[str, Any], said: str, problem: str
) -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("plugins", data)
    assert said in caught.value.fields["condition"]
    assert problem in " ".join(caught.value.problems)
