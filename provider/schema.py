# SPDX-License-Identifier: Apache-2.0
"""The package's schema, from the declarations: what SDKs in any language are generated from.

Its form is Pulumi's package schema (www.pulumi.com/docs/iac/guides/building-extending/packages).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from gateway import __version__
from provider import resource_types
from provider.declaration import OutputField, ResourceType, property_name
from provider.fields import REQUIRED, Field

PACKAGE = "gateway"
Json = dict[str, Any]

_OUTPUT_KINDS = {int: "integer", str: "string", bool: "boolean", dict: "object"}
_ANYTHING = {"$ref": "pulumi.json#/Any"}


def package_schema() -> Json:
    """Return the schema of the package ``gateway`` with all its resource types."""
    types: Json = {}
    resources = {kind.token: _resource(kind, types) for kind in declared_types()}
    return {
        "name": PACKAGE,
        "displayName": "kafka-gateway",
        "version": __version__,
        "description": "Everything between an HTTP client and a Kafka topic.",
        "keywords": ["kafka", "gateway", "kong"],
        "license": "Apache-2.0",
        "publisher": "kafka-gateway",
        "meta": {"moduleFormat": "(.*)"},
        "language": {
            "python": {"respectSchemaVersion": True, "pyproject": {"enabled": True}},
            "nodejs": {"respectSchemaVersion": True},
            "go": {"respectSchemaVersion": True},
        },
        "provider": {"description": "Needs no configuration: endpoints are inputs of resources."},
        "types": types,
        "resources": resources,
    }


def declared_types() -> list[type[ResourceType]]:
    """Return the declarations in their order."""
    return [
        found
        for found in vars(resource_types).values()
        if isinstance(found, type) and issubclass(found, ResourceType) and found is not ResourceType
    ]


def _resource(kind: type[ResourceType], types: Json) -> Json:
    docs = _docs(kind)
    inputs = {
        name: {**_property(field, kind, types), "description": docs[name]}
        for name, field in kind.inputs.items()
        if not _is_recorded_only(kind, name)
    }
    outputs = {
        name: _without_default(found)
        for name, found in inputs.items()
        if not kind.inputs[name].input_only
    }
    outputs |= {
        name: _output(field, docs[name])
        for name, field in kind.output_fields.items()
        if name not in outputs
    }
    always = [name for name, field in kind.inputs.items() if field.default is not None]
    needed = sorted(name for name in inputs if kind.inputs[name].default is REQUIRED)
    return {
        "description": _class_doc(kind),
        "properties": outputs,
        "required": sorted({*outputs} & {*always, *kind.output_fields}),
        "inputProperties": inputs,
        **({"requiredInputs": needed} if needed else {}),
    }


def _is_recorded_only(kind: type[ResourceType], name: str) -> bool:
    output = kind.output_fields.get(name)
    return output is not None and output.recorded is not None


def _output(field: OutputField[Any], description: str) -> Json:
    secret = {"secret": True} if field.secret else {}
    return {"type": _OUTPUT_KINDS[field.kind], "description": description, **secret}


def _property(field: Field, kind: type[ResourceType], types: Json) -> Json:
    found = _type(field, kind, types)
    if field.about:
        found["description"] = field.about
    if field.allowed:
        listed = f"One of: {', '.join(field.allowed)}."
        found["description"] = f"{field.about} {listed}".strip()
    # The schema has defaults for plain values only, and none that is empty.
    plain = field.default is not REQUIRED and isinstance(field.default, (str, int, bool))
    if plain and field.default != "":
        found["default"] = field.default
    if field.secret:
        found["secret"] = True
    return found


def _without_default(found: Json) -> Json:
    return {name: value for name, value in found.items() if name != "default"}


def _type(field: Field, kind: type[ResourceType], types: Json) -> Json:
    if field.alternatives:
        return {"oneOf": [_type(one, kind, types) for one in field.alternatives]}
    if field.fields is not None:
        return {"$ref": f"#/types/{_named_type(field, field.fields, kind, types)}"}
    if field.kind == "array":
        assert field.items is not None
        return {"type": "array", "items": _type(field.items, kind, types)}
    if field.kind == "object":
        assert field.items is not None
        items = _type(field.items, kind, types)
        return {"type": "object", "additionalProperties": items}
    return dict(_ANYTHING) if field.kind == "any" else {"type": field.kind}


def _named_type(
    field: Field, fields: Mapping[str, Field], kind: type[ResourceType], types: Json
) -> str:
    token = f"{kind.token.rpartition(':')[0]}:{field.name}"
    types[token] = {
        "type": "object",
        "description": field.about or f"`{field.name}` of {kind.token}.",
        "properties": {name: _property(inner, kind, types) for name, inner in fields.items()},
        "required": sorted(name for name, inner in fields.items() if inner.default is REQUIRED),
    }
    return token


def _class_doc(kind: type[ResourceType]) -> str:
    return _plain(kind.__doc__ or "")


def _docs(kind: type[ResourceType]) -> dict[str, str]:
    """Return property name to the docstring of its attribute, and what may stand there."""
    found: dict[str, str] = {}
    for attribute, text in _attribute_docs()[kind.__name__].items():
        output = vars(kind)[attribute]
        name = output.name if isinstance(output, OutputField) else property_name(attribute)
        field = kind.inputs.get(name)
        listed = f" One of: {', '.join(field.allowed)}." if field and field.allowed else ""
        found.setdefault(name, text + listed)
    return found


@cache
def _attribute_docs() -> dict[str, dict[str, str]]:
    """Return the strings that stand behind attributes, by class and attribute (as PEP 258 has it).

    They are no part of the program: the declarations are read as text.
    """
    module = ast.parse(Path(resource_types.__file__).read_text("utf-8"))
    return {
        node.name: {
            name: _plain(text)
            for before, after in zip(node.body, node.body[1:], strict=False)
            if (name := _assigned(before)) and (text := _string(after))
        }
        for node in module.body
        if isinstance(node, ast.ClassDef)
    }


def _assigned(node: ast.stmt) -> str:
    target: ast.expr | None = None
    if isinstance(node, ast.AnnAssign):
        target = node.target
    elif isinstance(node, ast.Assign):
        target = node.targets[0]
    return target.id if isinstance(target, ast.Name) else ""


def _string(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return str(node.value.value)
    return ""


def _plain(text: str) -> str:
    """One paragraph, code as Markdown has it."""
    return " ".join(text.replace("``", "`").split())
