# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a declarative configuration, as Kong says it: error 14, flattened or nested.

The forms are those of Kong 3.10 (``kong/db/errors.lua``), but values are not shown: they may be
secrets. What is known by name here is a map where Kong has a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.entities import ENTITIES
from gateway.names.property_paths import PropertyPath, parse_path, split_problem, value_at

CODE, NAME = 14, "invalid declarative configuration"


def declarative_error(
    problems: Iterable[str], document: Mapping[str, Any], *, flat: bool
) -> dict[str, Any]:
    """Return the body of the answer for problems, each a path and a text."""
    problems = list(problems)
    body: dict[str, Any] = {
        "code": CODE,
        "name": NAME,
        "message": f"declarative config is invalid: {'; '.join(problems)}",
        "fields": {},
    }
    if flat:
        body["flattened_errors"] = _flattened(problems, document)
        problems = [one for one in problems if _entity_of(_path(one))[0] is None]
    for problem in problems:
        _put(body["fields"], [str(one) for one in _path(problem)], split_problem(problem)[1])
    return body


def _flattened(problems: Iterable[str], document: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: dict[PropertyPath, dict[str, Any]] = {}
    for problem in problems:
        path = _path(problem)
        collection, length = _entity_of(path)
        if collection is None:
            continue
        place = path[:length]
        if place not in found:
            found[place] = _entity(collection, place, document)
        found[place]["errors"].append(_error(path[length:], split_problem(problem)[1]))
    return list(found.values())


def _entity(collection: str, place: PropertyPath, document: Mapping[str, Any]) -> dict[str, Any]:
    given = value_at(document, place)
    data = given if isinstance(given, Mapping) else {}
    entity = ENTITIES[collection]
    names = [data.get(field) for field in ("name", "username", "prefix")]
    key = place[-1] if entity.key_field in ("name", "username", "prefix") else None
    found: dict[str, Any] = {"entity_type": entity.singular, "errors": []}
    name = next((one for one in names if isinstance(one, str)), key)
    if isinstance(name, str):
        found["entity_name"] = name
    for field in ("id", "tags"):
        if data.get(field) is not None:
            found[f"entity_{field}"] = data[field]
    return found


def _error(rest: PropertyPath, text: str) -> dict[str, Any]:
    if not rest:
        return {"type": "entity", "message": text}
    field = ".".join(str(one + 1) if isinstance(one, int) else one for one in rest)
    return {"type": "field", "field": field, "message": text}


def _path(problem: str) -> PropertyPath:
    try:
        return parse_path(split_problem(problem)[0])
    except ValueError:
        return ()


def _entity_of(path: PropertyPath) -> tuple[str | None, int]:
    """Return the collection of the innermost entity on a path, and how many steps lead to it."""
    collection, length = None, 0
    while length + 1 < len(path) and path[length] in ENTITIES:
        collection, length = str(path[length]), length + 2
    return collection, length


def _put(tree: dict[str, Any], steps: list[str], text: str) -> None:
    for step in steps[:-1]:
        below = tree.setdefault(step, {})
        if not isinstance(below, dict):
            below = tree[step] = {"@entity": [below]}
        tree = below
    last = steps[-1] if steps else "@entity"
    if isinstance(tree.get(last), dict):
        tree[last].setdefault("@entity", []).append(text)
    elif last == "@entity":
        tree.setdefault(last, []).append(text)
    else:
        tree[last] = text
