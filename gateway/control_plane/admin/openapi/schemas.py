# SPDX-License-Identifier: Apache-2.0
"""Entities as JSON Schema 2020-12: as they are answered, written and changed.

``Service`` is what answers have: every field, null where there is no value. ``ServiceWrite`` is
what a write may send, and ``ServicePatch`` the same with nothing required.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.control_plane.admin.tokens import TokenBody
from gateway.entities import ENTITIES, EntityType
from gateway.entities.plugin_types import plugin_types

JsonSchema = dict[str, Any]

_SOMETIMES = frozenset({"condition", "partials"})
"""Fields that answers have only with a value: Kong's data planes refuse them."""

REFERENCES = "#/components/schemas/"


def reference(name: str) -> JsonSchema:
    """Return a reference to a schema of the document."""
    return {"$ref": REFERENCES + name}


def name_of(collection: str) -> str:
    """Return the name of an entity's schema."""
    return ENTITIES[collection].model.__name__


def entity_schemas() -> dict[str, JsonSchema]:
    """Return the schemas of all entities, plugins' configurations and what they are made of."""
    models: list[type[BaseModel]] = [entity.model for entity in ENTITIES.values()]
    models += [one.schema for one in plugin_types().values()]
    models.append(TokenBody)
    template = REFERENCES + "{model}"
    named, made = models_json_schema(
        [(model, "validation") for model in models], ref_template=template
    )
    found: dict[str, JsonSchema] = {name: _plain(one) for name, one in made["$defs"].items()}
    for entity in ENTITIES.values():
        ref = named[entity.model, "validation"]["$ref"]
        schema = found.pop(ref.removeprefix(REFERENCES))
        found |= _variants(entity, schema)
    return found


def _variants(entity: EntityType, schema: JsonSchema) -> dict[str, JsonSchema]:
    name = name_of(entity.collection)
    written = deepcopy(schema)
    properties = written["properties"]
    required = written.get("required", ())
    for field in properties:
        if field not in required:
            properties[field] = _nullable(properties[field])
    for field, target in entity.foreign.items():
        one = _foreign(properties[field], target)
        properties[field] = one if field in required else _nullable(one)
    _shorthands(entity.collection, properties)
    changed = {key: value for key, value in written.items() if key != "required"}
    return {
        name: _answered(entity, schema),
        f"{name}Write": written,
        f"{name}Patch": deepcopy(changed),
    }


def _answered(entity: EntityType, schema: JsonSchema) -> JsonSchema:
    answered = deepcopy(schema)
    properties = answered["properties"]
    for field, target in entity.foreign.items():
        text = properties[field].get("description", "")
        properties[field] = _id(text, f"The id of one of the {target}.")
    for field in properties:
        if field not in ("id", "created_at", "updated_at"):
            properties[field] = _nullable(properties[field])
    if entity.collection == "certificates":
        properties["snis"] = {"type": "array", "items": {"type": "string"}}
    answered["required"] = [one for one in properties if one not in _SOMETIMES]
    return answered


def _id(description: str, advice: str) -> JsonSchema:
    return {
        "type": "object",
        "properties": {"id": {"type": "string", "format": "uuid", "description": advice}},
        "required": ["id"],
        "additionalProperties": False,
        "description": description,
    }


def _foreign(schema: JsonSchema, target: str) -> JsonSchema:
    """Return how a reference is written: by id, or by the name of what it refers to."""
    one = _id(schema.get("description", ""), f"The id of one of the {target}.")
    name = ENTITIES[target].endpoint_key
    if name is not None:
        one["properties"][name] = {"type": "string", "description": "Instead of the id."}
        del one["required"]
        one["minProperties"] = 1
    return one


def _shorthands(collection: str, properties: dict[str, JsonSchema]) -> None:
    if collection == "services":
        text = "Sets protocol, host, port and path at once."
        properties["url"] = _nullable({"type": "string", "format": "uri", "description": text})
    if collection == "certificates":
        text = "The server names that it is shown for."
        names = {"type": "array", "items": {"type": "string"}, "description": text}
        properties["snis"] = _nullable(names)


def _nullable(schema: JsonSchema) -> JsonSchema:
    """Return a schema that null fits as well."""
    options = schema.get("anyOf", ())
    if {"type": "null"} in options or not ({"type", "$ref", "enum", "anyOf"} & set(schema)):
        return schema
    description: JsonSchema = {
        key: schema[key] for key in ("description", "default", "title") if key in schema
    }
    inner = {key: value for key, value in schema.items() if key not in description}
    choices = list(options) or [inner]
    return {"anyOf": [*choices, {"type": "null"}], **description}


def _plain(schema: Any) -> Any:
    """Return a schema without what repeats names: pydantic's titles of fields."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _plain(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }
