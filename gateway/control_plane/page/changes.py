# SPDX-License-Identifier: Apache-2.0
"""What lies between two configurations, for people: by entity and field, without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from gateway.control_plane.delta import RowChange, between
from gateway.control_plane.ownership import owner_of
from gateway.control_plane.rows import Rows
from gateway.entities import ENTITIES, EntityType, Row
from gateway.entities.checks import Table, row_name
from gateway.entities.own_tags import without_own_tags
from gateway.entities.shape import Shape
from gateway.entities.validation import shape_for

HIDDEN = "•••••• (secret)"
_LEFT_OUT = frozenset(("id", "created_at", "updated_at"))
_LONGEST = 2000
"""Characters of a value that are shown."""

_NAMED = re.compile(r"(?:^|_)(?:password|passphrase|secret|token|key|jwks?)$", re.IGNORECASE)
"""Names of fields that hold secrets, whatever their model says."""
_INSIDE = re.compile(
    r"(\b(?:proxy-authorization|authorization|cookie|[\w-]*(?:token|secret|api-?key)): *)"
    r"[^\"\s][^\"]*|(://)[^/@\s\"]+(?=@)",
    re.IGNORECASE,
)
"""Header lines with credentials, and what stands before the host of an address."""

Kind = Literal["added", "changed", "removed"]


@dataclass(frozen=True)
class FieldChange:
    """One field; None: it is not there."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class EntityChange:
    """One entity that came, changed or went."""

    kind: Kind
    collection: str
    name: str
    within: str
    """What it belongs to, as ``route orders``; empty where to nothing."""
    owner: str
    fields: list[FieldChange]


def entity_changes(old: Table, new: Table) -> list[EntityChange]:
    """Return what leads from one configuration to another, in the order of collections and names.

    Of what came or went those fields are told that differ from their defaults.
    """
    found = []
    for (collection, _), change in between(old, new).items():
        made = _entity(collection, change, old, new)
        if made.fields or made.kind != "changed":
            found.append(made)
    order = list(ENTITIES)
    return sorted(found, key=lambda one: (order.index(one.collection), one.within, one.name))


def _entity(collection: str, change: RowChange, old: Table, new: Table) -> EntityChange:
    entity = ENTITIES[collection]
    row = change.after if change.after is not None else change.before
    assert row is not None
    kind: Kind = "changed"
    if change.before is None or change.after is None:
        kind = "added" if change.before is None else "removed"
    shape = shape_for(entity, row)
    before = dict(_leaves(shape, _shown(entity, change.before, old), kind != "changed"))
    after = dict(_leaves(shape, _shown(entity, change.after, new), kind != "changed"))
    fields = [
        FieldChange(path, _text(before.get(path)), _text(after.get(path)))
        for path in {**before, **after}
        if before.get(path) != after.get(path)
    ]
    if change.before is not None and change.after is not None:
        owners = owner_of(change.before), owner_of(change.after)
        fields += [FieldChange("owner", *owners)] if owners[0] != owners[1] else []
    where = old if change.after is None else new
    return EntityChange(
        kind,
        collection,
        name_of(entity, row),
        within(entity, row, where),
        owner_of(row) or "",
        [_hiding(shape, one) for one in fields],
    )


def shown_fields(entity: EntityType, row: Row) -> list[tuple[str, str]]:
    """Return the settings of an entity that differ from its defaults, without secrets."""
    shape = shape_for(entity, row)
    config = (shape.fields or {}).get("config", Shape("record"))
    leaves = _leaves(config, row.get("config") or {}, True)
    hidden = (_hiding(config, FieldChange(path, None, _text(value))) for path, value in leaves)
    return [(one.path, one.after or "") for one in hidden]


def name_of(entity: EntityType, row: Row) -> str:
    """Return what people call an entity: its name, or the beginning of its id."""
    return row_name(entity, row) or row["id"][:8]


def within(entity: EntityType, row: Row, table: Table) -> str:
    """Return what an entity belongs to, as ``route orders``; empty where to nothing."""
    words = []
    for field, target in entity.foreign.items():
        if row.get(field) is not None:
            words.append(f"{field.replace('_', ' ')} {_name_in(table, target, row[field])}")
    return ", ".join(words)


def _name_in(table: Table, collection: str, entity: str) -> str:
    rows = table.get(collection, ())
    if isinstance(rows, Rows):
        row = rows.find("id", entity)
    else:
        row = next((one for one in rows if one["id"] == entity), None)
    return entity[:8] if row is None else name_of(ENTITIES[collection], row)


def _shown(entity: EntityType, row: Row | None, table: Table) -> dict[str, Any]:
    """Return what is shown of a row: names where ids stand, and no tags of ours."""
    if row is None:
        return {}
    shown = {name: value for name, value in without_own_tags(row).items() if name not in _LEFT_OUT}
    for field, target in entity.foreign.items():
        if shown.get(field) is not None:
            shown[field] = _name_in(table, target, shown[field])
    return shown


def _leaves(
    shape: Shape, row: Mapping[str, Any], without_defaults: bool, path: str = ""
) -> Iterator[tuple[str, Any]]:
    """Yield each field by its path, down to lists and plain values."""
    for name, value in row.items():
        field = (shape.fields or {}).get(name)
        where = f"{path}.{name}" if path else name
        if isinstance(value, dict) and value:
            inner = field if field is not None and field.fields else Shape("map")
            yield from _leaves(inner, value, without_defaults, where)
        elif value is not None:
            # A deprecated field repeats what stands at its place of now.
            usual = field is not None and (field.shorthand or value == field.default)
            if without_defaults and usual:
                continue
            yield where, value


def _text(value: Any) -> str | None:
    text = value if value is None or isinstance(value, str) else orjson.dumps(value).decode()
    return text if text is None or len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _hiding(shape: Shape, change: FieldChange) -> FieldChange:
    if _is_secret(shape, change.path.split(".")):
        return FieldChange(change.path, _hidden(change.before), _hidden(change.after))
    return FieldChange(change.path, _cleaned(change.before), _cleaned(change.after))


def _hidden(text: str | None) -> str | None:
    """A vault reference is no secret: it says where one is."""
    is_reference = text is not None and text.startswith("{vault://") and text.endswith("}")
    return text if text is None or is_reference else HIDDEN


def _cleaned(text: str | None) -> str | None:
    """Take out what looks like a secret in a value that is none as a whole."""
    return (
        None if text is None else _INSIDE.sub(lambda found: f"{found[1] or found[2]}{HIDDEN}", text)
    )


def _is_secret(shape: Shape, path: list[str]) -> bool:
    """Tell whether a field holds a secret by its model or its name, or has fields that do."""
    if _NAMED.search(path[-1]):
        return True
    for step in path:
        found = (shape.fields or {}).get(step) or shape.elements
        if found is None:
            return False
        shape = found
        if shape.has("encrypted"):
            return True
    # A list of records with secrets in them is one value here.
    return any(map(_holds_secret, _inside(shape)))


def _inside(shape: Shape) -> list[Shape]:
    elements = [] if shape.elements is None else [shape.elements]
    return [*elements, *(shape.fields or {}).values()]


def _holds_secret(shape: Shape) -> bool:
    return shape.has("encrypted") or any(map(_holds_secret, _inside(shape)))
