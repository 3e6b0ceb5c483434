# SPDX-License-Identifier: Apache-2.0
"""Normal forms of keyed documents, and their differences by the line."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

from pydantic_core import PydanticCustomError

from gateway.documents.tree import CHILDREN, DocumentNode, Tree, nest, own_tags, with_linked_ids
from gateway.entities import ENTITIES, EntityType, Row
from gateway.entities.credentials import store_secret
from gateway.entities.route import is_grpc
from gateway.entities.service import split_url
from gateway.entities.shape import Shape
from gateway.entities.validation import examine, shape_for
from gateway.errors import DocumentError
from gateway.names.property_paths import entity_path, render_path

Change = Literal["add", "update", "delete"]


def normalise(document: Mapping[str, Any], owner: str = "") -> dict[str, Any]:
    """Return the document with defaults filled in, ``url`` split and everything in its usual place.

    Values are not checked, so it also works on documents with values that are not known yet. Give
    ``owner`` when comparing with ``from_table``: basic-auth passwords are hashed with ids that
    depend on it. Raises ``DocumentError`` when the structure is wrong.
    """
    tree = Tree(document, owner, None)
    structural = [problem for problem in tree.problems if "unknown collection" in problem]
    if structural:
        raise DocumentError(structural)
    return nest([(node.entity, _complete(node, owner)) for node in tree.nodes], owner)


def _complete(node: DocumentNode, owner: str) -> Row:
    entity, data = node.entity, dict(node.data)
    if entity.collection == "services" and data.get("url") is not None:
        with suppress(PydanticCustomError):  # not known yet, or wrong: compared as it is
            data = split_url(data)
    if entity.collection == "routes" and data.get("strip_path") is None:
        data["strip_path"] = not is_grpc(data.get("protocols"))
    data |= {name: parent.id for name, parent in node.parents.items()}
    data = with_linked_ids(node, data)
    found = examine(entity, data)[0] if entity.collection == "plugins" else None
    # A plugin as it is stored, with former names of fields in their place, if it is right.
    row = found or fill(shape_for(entity, data), data)
    row["id"] = node.id
    row["tags"] = [*_words(data.get("tags")), *own_tags(owner, node)]
    store_secret(entity.collection, row)
    return row


def _words(tags: Any) -> list[str]:
    return [str(tag) for tag in tags] if isinstance(tags, list) else []


def fill(shape: Shape, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with every field: what is given, else the default; nested ones as well."""
    fields = shape.fields or {}
    full = {name: _fill_value(field, data.get(name)) for name, field in fields.items()}
    for name, field in fields.items():
        if field.shorthand and full[name] is None:
            full[name] = _at(full, field.shorthand[0])
    return full | {name: value for name, value in data.items() if name not in fields}


def _at(record: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a path, ``redis.host``; null where that is no text or number."""
    found: Any = record
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return None if isinstance(found, (list, Mapping)) else found


def _fill_value(shape: Shape, value: Any) -> Any:
    if value is None and shape.required and shape.fields is not None:
        return fill(shape, {})  # as a plugin's config that is left out
    if value is None:
        default = shape.default
        return copy.deepcopy(default) if isinstance(default, (list, dict)) else default
    if shape.fields is not None and isinstance(value, Mapping):
        return fill(shape, value)
    if shape.elements is not None and isinstance(value, list):
        return [_fill_value(shape.elements, item) for item in value]
    if shape.type == "map" and shape.elements is not None and isinstance(value, Mapping):
        return {key: _fill_value(shape.elements, item) for key, item in value.items()}
    return value


def diff_documents(
    old: Mapping[str, Any], new: Mapping[str, Any], owner: str = ""
) -> dict[str, Change]:
    """Return what turns one document into the other, path to change, in the order of the paths.

    A whole entity that comes or goes is one line; otherwise each field has its own, down to
    ``services["a"].routes["b"].plugins["kafka-upstream"].config.topic``.
    """
    changes: dict[str, Change] = {}
    _diff_level(normalise(old, owner), normalise(new, owner), ENTITIES, "", changes)
    return dict(sorted(changes.items()))


def _diff_level(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    collections: Mapping[str, Any],
    path: str,
    changes: dict[str, Change],
) -> None:
    for collection in collections:
        before, after = old.get(collection, {}), new.get(collection, {})
        for key in {**before, **after}:
            where = entity_path(path, collection, key)
            if key not in before:
                changes[where] = "add"
            elif key not in after:
                changes[where] = "delete"
            else:
                _diff_entity(ENTITIES[collection], before[key], after[key], where, changes)


def _diff_entity(
    entity: EntityType, old: Row, new: Row, path: str, changes: dict[str, Change]
) -> None:
    inner = CHILDREN[entity.collection]
    for name in {**old, **new}:
        if name not in inner:
            _diff_value(old.get(name), new.get(name), render_path((name,), path), changes)
    _diff_level(old, new, inner, path, changes)


def _diff_value(old: Any, new: Any, path: str, changes: dict[str, Change]) -> None:
    if old == new and isinstance(old, bool) == isinstance(new, bool):
        return
    if old is None or new is None:
        changes[path] = "add" if old is None else "delete"
    elif isinstance(old, dict) and isinstance(new, dict):
        for name in {**old, **new}:
            _diff_value(old.get(name), new.get(name), render_path((name,), path), changes)
    elif _records(old) and _records(new):
        for position in range(max(len(old), len(new))):
            before = old[position] if position < len(old) else None
            after = new[position] if position < len(new) else None
            _diff_value(before, after, render_path((position,), path), changes)
    else:
        changes[path] = "update"


def _records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)
