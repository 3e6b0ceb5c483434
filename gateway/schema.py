# SPDX-License-Identifier: Apache-2.0
"""Schema JSON in Kong's dialect (Kong 3.10, ``GET /schemas/{collection}``), made from the models.

The defaults announced here and those filled into rows come from the same models: decK would
otherwise report a change on every run.
"""

from __future__ import annotations

from typing import Any

from gateway.entities import ENTITIES, entity_type
from gateway.entities.partial import PARTIAL_KINDS, linkable
from gateway.entities.plugin_types import PluginType, plugin_types, unknown_plugin
from gateway.entities.shape import Shape, shape_of
from gateway.entities.vault_kinds import VAULT_KINDS
from gateway.errors import NotFound
from gateway.names.spelling import choices


def entity_schema(collection: str) -> dict[str, Any]:
    """Return the schema of an entity; raises ``NotFound`` naming the known collections."""
    entity = entity_type(collection)
    shape = shape_of(entity.model)
    fields = _fields(shape)
    if collection == "certificates":
        elements = {"type": "string"}
        fields.append({"snis": {"type": "set", "description": _SNIS, "elements": elements}})
    found = {"name": collection, "fields": fields, "entity_checks": []}
    if collection == "partials":
        # Its fields are those of its type: /schemas/partials/{type}.
        abstract = {"type": "record", "required": True, "abstract": True, "fields": []}
        fields[:] = [{"config": abstract} if "config" in one else one for one in fields]
    if collection == "services":
        found["shorthand_fields"] = [{"url": {"type": "string", "description": _URL}}]
    return found


_SNIS = "The server names that the certificate is shown for; they are entities of their own."
_URL = "A URL that sets protocol, host, port and path at once; it is not stored."


def plugin_schema(name: str) -> dict[str, Any]:
    """Return the schema of a plugin; raises ``NotFound`` naming the installed ones."""
    plugin = plugin_types().get(name)
    if plugin is None:
        raise NotFound(unknown_plugin(name))
    shape = shape_of(plugin.schema)
    config = {"type": "record", "required": True, "fields": _fields(shape)}
    if former := _shorthands(shape):
        config["shorthand_fields"] = former
    fields: list[dict[str, Any]] = [
        {
            name: {
                "type": "foreign",
                "reference": collection,
                **({"eq": None} if plugin.refuses(name) else {}),
            }
        }
        for name, collection in ENTITIES["plugins"].foreign.items()
    ]
    fields.append({"protocols": _protocols(plugin)})
    fields.append({"config": config})
    found: dict[str, Any] = {"name": name, "fields": fields, "entity_checks": []}
    if linked := linkable(plugin.schema):
        # The form in which decK looks for it.
        kinds = dict.fromkeys(linked.values())
        found["supported_partials"] = {
            kind: [path for path, of in linked.items() if of == kind] for kind in kinds
        }
    return found


def vault_schema(name: str) -> dict[str, Any]:
    """Return the schema of a kind of vault; raises ``NotFound`` naming those there are."""
    kind = VAULT_KINDS.get(name)
    if kind is None:
        raise NotFound(f'no vault named "{name}"; {choices(name, VAULT_KINDS)}')
    config = {"type": "record", "required": True, "fields": _fields(shape_of(kind))}
    return {"name": name, "fields": [{"config": config}], "entity_checks": []}


def partial_schema(name: str) -> dict[str, Any]:
    """Return the schema of a kind of partial; raises ``NotFound`` naming those there are."""
    kind = PARTIAL_KINDS.get(name)
    if kind is None:
        raise NotFound(f'no partial named "{name}"; {choices(name, PARTIAL_KINDS)}')
    config = {"type": "record", "required": True, "fields": _fields(shape_of(kind))}
    return {"name": name, "fields": [{"config": config}], "entity_checks": []}


def _protocols(plugin: PluginType) -> dict[str, Any]:
    names = list(plugin.default_protocols())
    elements = {"type": "string", "one_of": names}
    return {"type": "set", "required": True, "default": names, "elements": elements}


def _fields(shape: Shape) -> list[dict[str, Any]]:
    fields = shape.fields or {}
    return [{name: describe(field)} for name, field in fields.items() if not field.shorthand]


def _shorthands(shape: Shape) -> list[dict[str, Any]]:
    """Return the deprecated fields in the form in which decK looks for them."""
    found = []
    for name, field in (shape.fields or {}).items():
        if field.shorthand:
            now = f"deprecated, use {', '.join(field.shorthand)}"
            deprecation = {
                "message": f"{name} is {now}",
                "removal_in_version": "4.0",
                "replaced_with": [{"path": path.split(".")} for path in field.shorthand],
            }
            found.append({name: {**describe(field), "deprecation": deprecation}})
    return found


def describe(shape: Shape) -> dict[str, Any]:
    """Return one field in Kong's dialect; keys that would be null or false are absent."""
    found: dict[str, Any] = {"type": shape.type}
    if shape.type == "any":
        found["type"] = "json"
    if shape.description:
        found["description"] = shape.description
    if shape.required or shape.has_default:
        found["required"] = True
    if shape.has_default and shape.type != "record":
        found["default"] = shape.default
    if shape.one_of:
        found["one_of"] = list(shape.one_of)
    found |= _limits(shape) | _flags(shape)
    if shape.fields is not None:
        found["fields"] = _fields(shape)
        if former := _shorthands(shape):
            found["shorthand_fields"] = former
    if shape.elements is not None:
        inner = describe(shape.elements)
        if shape.type == "map":
            found |= {"keys": {"type": "string"}, "values": inner}
        else:
            found["elements"] = inner
    return found


def _limits(shape: Shape) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if shape.low is not None and shape.high is not None:
        found["between"] = [shape.low, shape.high]
    elif shape.low is not None:
        found["gt"] = shape.low - 1
    if shape.min_length is not None:
        found["len_min"] = shape.min_length
    return found


def _flags(shape: Shape) -> dict[str, Any]:
    found: dict[str, Any] = {
        name: True for name in ("auto", "unique", "referenceable", "encrypted") if shape.has(name)
    }
    if shape.reference:
        found["reference"] = shape.reference
    return found
