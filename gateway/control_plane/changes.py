# SPDX-License-Identifier: Apache-2.0
"""Single writes of the Admin API, as functions from one configuration to the next.

They follow Kong's ``kong/db/dao``: PUT creates or replaces, PATCH merges, DELETE takes along what
cascades. None of them changes the configuration it is given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from gateway.control_plane.certificate_names import certificate_of, split_names, with_names
from gateway.control_plane.ownership import (
    canonical,
    claim,
    dangling,
    describe,
    without_orphans,
)
from gateway.control_plane.partials import check_partials, with_ids, without_linked
from gateway.control_plane.rows import Rows, indexed, unique_values
from gateway.documents.document import keep_times
from gateway.entities import ENTITIES, EntityType, Row, entity_type, validate_row
from gateway.entities.base import listed_ids
from gateway.entities.checks import Table, check_table
from gateway.entities.credentials import store_secret
from gateway.entities.own_tags import is_own_tag
from gateway.entities.partial_links import FIELD as LINKS
from gateway.entities.partial_links import links_of
from gateway.entities.shape import Shape
from gateway.entities.types import UUID
from gateway.entities.validation import shape_for
from gateway.errors import InvalidKey, KeyTaken, NotFound, ReferenceViolation, UniqueViolation

_NO_ID = "00000000-0000-0000-0000-000000000000"
_URL_FIELDS = ("protocol", "host", "port", "path")


@dataclass(frozen=True)
class Written:
    """The next configuration, and the row in it that was written."""

    table: Table
    row: Row


def is_id(key: str) -> bool:
    """Tell whether a key in a URL is an id and not a name."""
    return UUID.fullmatch(key) is not None


def find(table: Table, collection: str, key: str) -> Row | None:
    """Return the entity of this id or name, or None; raises ``InvalidKey``.

    A server name stands for its certificate.
    """
    if collection == "certificates" and not is_id(key):
        key = certificate_of(table, key) or _NO_ID
    field = _key_field(entity_type(collection), key)
    key = key.lower() if field == "id" else key
    rows = table.get(collection, ())
    if isinstance(rows, Rows):
        return rows.find(field, key)
    return next((row for row in rows if row.get(field) == key), None)


def get(table: Table, collection: str, key: str) -> Row:
    """Return the entity of this id or name; raises ``NotFound``."""
    found = find(table, collection, key)
    if found is None:
        raise NotFound("Not found")
    return found


def create(table: Table, collection: str, data: Mapping[str, Any], now: int) -> Written:
    """Add an entity. Raises ``SchemaViolation``, ``UniqueViolation``, ``ReferenceViolation``."""
    data, names = split_names(data) if collection == "certificates" else (data, None)
    times = {"created_at": now, "updated_at": now}
    row = validate_row(collection, _resolved(table, collection, {**data, **times}))
    store_secret(collection, row)
    return _named(_store(table, collection, row, None), names, now)


def put(table: Table, collection: str, key: str, data: Mapping[str, Any], now: int) -> Written:
    """Create or replace the entity of this id or name; absent fields get their defaults."""
    before = find(table, collection, key)
    names = None
    if collection == "certificates":
        data, names = split_names(data, "" if is_id(key) else key)
        key = key if is_id(key) else str(uuid4())
    named = _key_fields(entity_type(collection), key)
    if before is not None:
        named["id"] = before["id"]
    data = {**data, **named, "created_at": now, "updated_at": now}
    if before is None and not is_id(key):
        data.pop("id", None)
    row = validate_row(collection, _resolved(table, collection, data))
    store_secret(collection, row)
    return _named(_store(table, collection, row, before), names, now)


def patch(table: Table, collection: str, key: str, data: Mapping[str, Any], now: int) -> Written:
    """Change the fields that are given; records are merged field by field, all else replaced."""
    entity = entity_type(collection)
    before = find(table, collection, key)
    names = None
    if collection == "certificates":
        data, names = split_names(data)
        if before is None and not is_id(key):
            raise NotFound("SNI not found")
    if before is None:
        raise _no_such(entity, key)
    data = {name: value for name, value in data.items() if name not in ("id", "created_at")}
    base = dict(before)
    if data.get("url") is not None:
        base = {name: value for name, value in base.items() if name not in _URL_FIELDS}
    if collection == "plugins":
        base = without_linked(base, data)
    merged = _merged(shape_for(entity, {**base, **data}), base, data)
    row = validate_row(collection, _resolved(table, collection, {**merged, "updated_at": now}))
    if data.get("password") is not None:
        store_secret(collection, row)
    return _named(_store(table, collection, row, before), names, now)


def _named(written: Written, names: list[str] | None, now: int) -> Written:
    """Give a certificate its server names, when they are said."""
    if names is None:
        return written
    return Written(canonical(with_names(written.table, written.row["id"], names, now)), written.row)


def delete(table: Table, collection: str, key: str) -> Table:
    """Remove an entity and what cascades.

    Raises ``NotFound``, and ``ReferenceViolation`` when another entity needs it.
    """
    row = get(table, collection, key)
    rows = indexed(collection, table[collection]).replaced(row, None)
    left = without_orphans({**table, collection: rows}, [(collection, row["id"])])
    for other in ENTITIES.values():
        if _refers(other, left.get(other.collection, ()), collection, row["id"]):
            text = f"an existing '{other.collection}' entity references this"
            fields = {"@referenced_by": other.collection}
            raise ReferenceViolation(f"{text} '{collection}' entity", fields)
    return canonical(left)


def _refers(entity: EntityType, rows: Iterable[Row], collection: str, target: str) -> bool:
    single = [name for name, found in entity.foreign.items() if found == collection]
    lists = [name for name, found in entity.foreign_lists.items() if found == collection]
    if isinstance(rows, Rows):
        return any((name, target) in rows.children for name in (*single, *lists))
    return any(
        any(row.get(name) == target for name in single)
        or any(target in listed_ids(row.get(name)) for name in lists)
        for row in rows
    )


def _key_fields(entity: EntityType, key: str) -> dict[str, Any]:
    return {_key_field(entity, key): key}


def _key_field(entity: EntityType, key: str) -> str:
    """Return which field a key in a URL is of."""
    if is_id(key):
        return "id"
    if entity.endpoint_key is None:
        fields = {"id": "expected a valid UUID"}
        raise InvalidKey(f"invalid primary key: '{describe(fields)}'", fields)
    return entity.endpoint_key


def _no_such(entity: EntityType, key: str) -> NotFound:
    field = _key_field(entity, key)
    fields = claim(entity, [field], [key])
    kind = "the entity with primary key" if "id" in fields else "the entity with"
    return NotFound(f"could not find {kind} '{describe(fields)}'", fields)


def _resolved(table: Table, collection: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Replace foreign keys given by name, ``{"name": "a"}``, by ids; those of partials, too."""
    result = dict(data)
    if collection == "plugins" and links_of(data):
        result[LINKS] = with_ids(table, data[LINKS])
    for field, target in entity_type(collection).foreign.items():
        value = data.get(field)
        name = entity_type(target).endpoint_key
        if not isinstance(value, Mapping) or value.get("id") is not None:
            continue
        if name is not None and value.get(name) is not None:
            found = find(table, target, str(value[name]))
            if found is None:
                raise dangling(field, target, {name: value[name]})
            result[field] = found["id"]
    return result


def _store(table: Table, collection: str, row: Row, before: Row | None) -> Written:
    entity = ENTITIES[collection]
    keep_own_tags(row, before)
    keep_times(row, before)
    rows = indexed(collection, table.get(collection, ()))
    _check_unique(entity, row, rows, before)
    _check_references(table, entity, row)
    check_partials(table, collection, row)
    if collection == "certificates":
        check_table({collection: [row]})
    return Written(canonical({**table, collection: rows.replaced(before, row)}), row)


def keep_own_tags(row: Row, before: Row | None) -> None:
    """Leave an entity with its owner: a write from elsewhere is drift, no change of hands.

    Tags of ours in what was sent come from a copy of what was read, and make nobody an owner.
    """
    former = (before or {}).get("tags") or ()
    own = [tag for tag in former if is_own_tag(tag)]
    given = row.get("tags") or ()
    tags = [tag for tag in given if not is_own_tag(tag)] + own
    if sorted(tags) == sorted(former) and own:
        row["tags"] = list(former)
    elif tags != list(given):
        row["tags"] = tags or None


def _check_unique(entity: EntityType, row: Row, rows: Rows, before: Row | None) -> None:
    for group, values in unique_values(entity, row):
        if rows.taken.get((group, values), before) is not before:
            fields = claim(entity, group, values)
            if group == ("id",):
                raise KeyTaken(f"primary key violation on key '{describe(fields)}'", fields)
            raise UniqueViolation(f"UNIQUE violation detected on '{describe(fields)}'", fields)


def _check_references(table: Table, entity: EntityType, row: Row) -> None:
    for field, target in entity.foreign.items():
        value = row.get(field)
        if value is not None and find(table, target, value) is None:
            raise dangling(field, target, {"id": value})
    for field, target in entity.foreign_lists.items():
        for value in listed_ids(row.get(field)):
            if find(table, target, value) is None:
                raise dangling(field, target, {"id": value})


def _merged(shape: Shape, old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    result = _without_former_names(shape, old, new)
    for name, value in new.items():
        field = (shape.fields or {}).get(name)
        inner = result.get(name)
        record = field is not None and field.fields is not None
        if (
            record
            and field is not None
            and isinstance(value, Mapping)
            and isinstance(inner, Mapping)
        ):
            result[name] = _merged(field, inner, value)
        else:
            result[name] = value
    return result


def _without_former_names(
    shape: Shape, old: Mapping[str, Any], new: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a record without what its former names show, which is what their fields say.

    Where one is given anew its field is left out: it would say the old value.
    """
    result = dict(old)
    for name, field in (shape.fields or {}).items():
        if field.shorthand:
            result.pop(name, None)
        if field.shorthand and new.get(name) is not None:
            for record, _, member in (path.partition(".") for path in field.shorthand):
                if isinstance(inner := result.get(record), Mapping):
                    result[record] = {key: inner[key] for key in inner if key != member}
    return result
