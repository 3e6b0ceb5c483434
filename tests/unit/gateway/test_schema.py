# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.entities import ENTITIES, validate_row
from gateway.errors import NotFound
from gateway.schema import entity_schema, plugin_schema, vault_schema


def _fields(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: field for item in schema["fields"] for name, field in item.items()}


def test_services_and_routes_announce_kongs_defaults() -> None:
    services, routes = _fields(entity_schema("services")), _fields(entity_schema("routes"))
    assert services["retries"]["type"] == "integer"
    assert [services[n]["default"] for n in ("retries", "port", "protocol")] == [5, 80, "http"]
    assert routes["protocols"]["default"] == ["http", "https"]
    assert routes["https_redirect_status_code"]["default"] == 426
    assert (routes["strip_path"]["default"], routes["path_handling"]["default"]) == (True, "v0")
    assert routes["service"]["reference"] == "services"
    assert routes["headers"]["type"] == "map"


def test_each_kind_of_vault_has_a_schema_whose_defaults_are_filled_in() -> None:
    config = _fields(_fields(vault_schema("aws"))["config"])
    row = validate_row("vaults", {"prefix": "my-aws", "name": "aws", "config": {}})
    assert config["role_session_name"]["default"] == row["config"]["role_session_name"]
    assert config["resurrect_ttl"]["default"] == 100_000_000
    assert _fields(_fields(vault_schema("hcv"))["config"])["token"]["referenceable"] is True
    with pytest.raises(NotFound, match='no vault named "hcvv"; did you mean "hcv"'):
        vault_schema("hcvv")


@pytest.mark.parametrize("collection", ENTITIES)
def test_every_collection_has_a_schema_of_one_key_items(collection: str) -> None:
    schema = entity_schema(collection)
    assert all(len(item) == 1 for item in schema["fields"])
    assert "id" in _fields(schema)


def test_what_is_filled_in_is_what_is_announced() -> None:
    row = validate_row("upstreams", {"name": "up"})
    announced = _announced(_fields(entity_schema("upstreams")))
    assert {name: row[name] for name in announced} == announced
    config = validate_row("plugins", {"name": "kafka-upstream", "config": {"topic": "t"}})["config"]
    inner = {n: f for i in _config("kafka-upstream")["fields"] for n, f in i.items()}
    announced = {name: field["default"] for name, field in inner.items() if "default" in field}
    assert {name: config[name] for name in announced} == announced


def _announced(fields: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, field in fields.items():
        if field["type"] == "record" and field.get("required"):
            found[name] = _announced({n: f for item in field["fields"] for n, f in item.items()})
            found[name] |= {
                n: None for item in field["fields"] for n, f in item.items() if _is_null(f)
            }
        elif "default" in field:
            found[name] = field["default"]
    return found


def _is_null(field: dict[str, Any]) -> bool:
    return "default" not in field and field["type"] != "record"


def _config(name: str) -> dict[str, Any]:
    found: dict[str, Any] = _fields(plugin_schema(name))["config"]
    return found


def test_a_plugin_announces_config_protocols_and_what_is_secret() -> None:
    schema = _fields(plugin_schema("kafka-upstream"))
    assert schema["protocols"]["default"] == ["grpc", "grpcs", "http", "https"]
    config = {n: f for item in schema["config"]["fields"] for n, f in item.items()}
    assert config["topic"]["required"] is True
    assert config["bootstrap_servers"]["type"] == "set"
    sasl = {n: f for item in config["authentication"]["fields"] for n, f in item.items()}
    assert sasl["password"]["encrypted"] is sasl["password"]["referenceable"] is True


def test_an_unknown_name_is_not_found() -> None:
    for schema in (plugin_schema, entity_schema):
        with pytest.raises(NotFound, match='"banana"'):
            schema("banana")
