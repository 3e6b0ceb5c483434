# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from gateway.entities import ENTITIES, validate_row
from gateway.entities.partial import PARTIAL_KINDS
from gateway.entities.plugin_types import plugin_types
from gateway.entities.problems import problems_of
from gateway.entities.shape import Shape, shape_of
from gateway.entities.vault_kinds import VAULT_KINDS
from gateway.errors import SchemaViolation
from gateway.names.property_paths import PropertyPath


def _fields(service: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("services", service)
    return caught.value.fields


def test_null_means_the_default_but_not_for_a_misspelt_field() -> None:
    assert validate_row("services", {"host": "a.test", "port": None})["port"] == 80
    assert _fields({"host": "a.test", "prot": None}) == {"prot": "unknown field"}


def _texts(shape: Shape, path: PropertyPath = ()) -> Iterator[PropertyPath]:
    """Yield the places of texts; an item of a list is 0, a key of a map is `a`."""
    if shape.fields is not None:
        for name, field in shape.fields.items():
            yield from _texts(field, (*path, name))
    elif shape.elements is not None:
        yield from _texts(shape.elements, (*path, "a" if shape.type == "map" else 0))
    elif shape.type == "string" and not shape.one_of:
        yield path


def _with_empty_text(path: PropertyPath) -> Any:
    if not path:
        return ""
    inner = _with_empty_text(path[1:])
    return [inner] if path[0] == 0 else {path[0]: inner}


MODELS: dict[str, type[BaseModel]] = {
    **{name: entity.model for name, entity in ENTITIES.items()},
    **{name: plugin.schema for name, plugin in plugin_types().items()},
    **{f"vault {name}": kind for name, kind in VAULT_KINDS.items()},
    **{f"partial {name}": kind for name, kind in PARTIAL_KINDS.items()},
}
REFUSALS = ("length must be at least 1", "expected a valid UUID")
# Those for which Kong says `len_min = 0`, and what a key pair has in place of a secret.
MAY_BE_EMPTY = {
    "jwt_secrets.secret",
    "oauth2-introspection.anonymous",
    "basic-auth.brute_force_protection.redis.password",
    "kafka-quota.redis.password",
    "rate-limiting.redis.password",
    "rate-limiting.redis_password",
    "response-ratelimiting.redis.password",
    "response-ratelimiting.redis_password",
    "partial redis-ce.password",
}


@pytest.mark.parametrize("name", MODELS)
def test_no_text_is_empty_except_where_kong_says_so(name: str) -> None:
    model = MODELS[name]
    taken = set()
    for path in _texts(shape_of(model)):
        try:
            model.model_validate(_with_empty_text(path))
            found = []
        except ValidationError as error:
            found = [one.text for one in problems_of(error, model) if one.location == path]
        if found:
            assert found[0] in REFUSALS, (path, found)
        else:
            taken.add(f"{name}.{'.'.join(map(str, path))}")
    assert taken == {one for one in MAY_BE_EMPTY if one.startswith(f"{name}.")}


def test_a_key_of_a_map_is_a_text_as_well() -> None:
    headers = {"content_type": "application/json", "http_endpoint": "http://a.test"}
    fields = _plugin_fields("http-log", {**headers, "custom_fields_by_lua": {"": "return 1"}})
    assert fields == {"custom_fields_by_lua": "length must be at least 1"}


def test_a_null_that_means_none_stays_one() -> None:
    config = {"issuer": "https://a.test", "upstream_access_token_header": None}
    row = validate_row("plugins", {"name": "openid-connect", "config": config})
    for found in (row, validate_row("plugins", row)):
        assert found["config"]["upstream_access_token_header"] is None
    fields = _plugin_fields("openid-connect", {**config, "upstream_access_token_header": ""})
    assert fields == {"upstream_access_token_header": "length must be at least 1"}


def test_a_row_has_the_names_that_a_file_has() -> None:
    key = {"kty": "oct", "k": "AAAA", "x5t#S256": "q"}
    config = {"issuer": "https://a.test", "client_jwk": [key]}
    row = validate_row("plugins", {"name": "openid-connect", "config": config})
    found = row["config"]["client_jwk"][0]
    assert {name: value for name, value in found.items() if value} == key
    assert validate_row("plugins", row) == row


def _plugin_fields(name: str, config: dict[str, Any]) -> Any:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("plugins", {"name": name, "config": config})
    return caught.value.fields["config"]
