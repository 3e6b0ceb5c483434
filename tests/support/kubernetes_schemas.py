# SPDX-License-Identifier: Apache-2.0
"""Hold objects against the schemas of Kubernetes, which tools/kubernetes/schemas.py has written."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "kubernetes"
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


@functools.cache
def _read(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


def versions() -> list[str]:
    """Return the versions of Kubernetes that there are schemas for."""
    return sorted(file.stem for file in FOLDER.glob("1.*.json"))


def problems(found: Mapping[str, Any], version: str) -> list[str]:
    """Return what a Kubernetes of this version would have against an object."""
    known = _read(version)
    kind = f"{found['apiVersion']}/{found['kind']}"
    custom = _read("custom")
    if kind in custom:
        return list(_check(found, custom[kind], known["definitions"], kind))
    if kind in known["kinds"]:
        schema = {"$ref": known["kinds"][kind]}
        return list(_check(found, schema, known["definitions"], kind))
    return [f"{kind}: unknown to Kubernetes {version}"]


def _check(value: Any, schema: Any, known: Mapping[str, Any], where: str) -> Iterator[str]:
    if "$ref" in schema:
        yield from _check(value, known[schema["$ref"]], known, where)
        return
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    # A boolean is an int to Python alone.
    if names and not any(
        isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))
        for name in names
    ):
        yield f"{where}: {value!r} is not of type {' or '.join(names)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is not one of {schema['enum']}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{where}: {value!r} is not like {schema['pattern']}"
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if numeric and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{where}: {value} is out of bounds"
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield f"{where}: {len(value)} items are too few"
        for index, item in enumerate(value):
            yield from _check(item, schema.get("items", {}), known, f"{where}[{index}]")
    if isinstance(value, dict):
        yield from _check_object(value, schema, known, where)


def _check_object(
    value: Mapping[str, Any], schema: Any, known: Mapping[str, Any], where: str
) -> Iterator[str]:
    declared = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{where}: {name} is missing"
    others = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in declared:
            yield from _check(item, declared[name], known, f"{where}.{name}")
        elif others is False:
            yield f"{where}.{name}: unknown field"
        elif isinstance(others, dict):
            yield from _check(item, others, known, f"{where}.{name}")
