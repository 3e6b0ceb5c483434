# SPDX-License-Identifier: Apache-2.0
"""Configurations made of several owners' documents: whose an entity is, and merging one in."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from gateway.control_plane.rows import Rows, indexed, unique_values
from gateway.documents.document import Document, to_table
from gateway.documents.tree import nest, owner_tag
from gateway.entities import ENTITIES, EntityType, Row
from gateway.entities.checks import Table, check_table, row_label
from gateway.entities.credentials import SECRETS
from gateway.errors import DocumentError, ReferenceViolation, UniqueViolation

_PREFIX = owner_tag("")


def owner_of(row: Row) -> str | None:
    """Return the owner of an entity, or None when it was made through the Admin API."""
    for tag in row.get("tags") or ():
        if tag.startswith(_PREFIX):
            return unquote(tag.removeprefix(_PREFIX))
    return None


def owns_anything(table: Table, owner: str) -> bool:
    """Tell whether an owner has entities in a configuration."""
    return any(owner_of(row) == owner for rows in table.values() for row in rows)


def unowned_document(table: Table) -> dict[str, Any]:
    """Return what belongs to nobody as a document, with its ids."""
    rows = [
        (ENTITIES[collection], row)
        for collection in ENTITIES
        for row in table.get(collection, ())
        if owner_of(row) is None
    ]
    return nest(rows, "")


def merge(
    table: Table, owner: str, document: Document, now: int, tags: Collection[str] = ()
) -> Table:
    """Return the configuration with an owner's entities replaced by those of its document.

    With ``tags`` only those that have all of them are replaced, and those of the document must.
    What cannot be without an entity that goes (a plugin on its route) goes with it, also another
    owner's. What belongs to nobody stays, but for what the document has by its id: that is the
    owner's from then on.

    ``now`` is in seconds since 1970. Raises ``DocumentError``, and ``UniqueViolation``
    naming the owner that has the same name already.
    """
    own = to_table(document, owner, now, table)
    _check_tags(own, tags)
    named = _ids(own)
    others = {
        collection: [
            row
            for row in rows
            if (owner_of(row) != owner or not has_tags(row, tags))
            and (owner_of(row) is not None or (collection, row["id"]) not in named)
        ]
        for collection, rows in table.items()
    }
    for collection, rows in own.items():
        _check_claims(ENTITIES[collection], rows, others.get(collection, ()), owner)
    merged = {
        collection: [*others.get(collection, ()), *own.get(collection, ())]
        for collection in ENTITIES
    }
    merged = without_orphans(merged, _ids(table) - _ids(merged))
    check_table(merged)
    return canonical(merged)


def has_tags(row: Row, tags: Collection[str]) -> bool:
    """Tell whether an entity has all of these tags."""
    return not tags or set(tags) <= set(row.get("tags") or ())


def _check_tags(own: Table, tags: Collection[str]) -> None:
    problems = [
        f"{row_label(ENTITIES[collection], row)}: has not all of the tags {', '.join(tags)}"
        for collection, rows in own.items()
        for row in rows
        if not has_tags(row, tags)
    ]
    if problems:
        raise DocumentError(problems)


def canonical(table: Table) -> Table:
    """Return a configuration in its one form: no empty collections, rows sorted by id."""
    return {
        collection: indexed(collection, table[collection])
        for collection in ENTITIES
        if table.get(collection)
    }


def without_orphans(table: Table, gone: Iterable[tuple[str, str]]) -> Table:
    """Return a configuration without what is deleted along with entities: collections and ids."""
    wave = set(gone)
    while wave:
        orphans: set[tuple[str, str]] = set()
        kept: Table = {}
        for collection, rows in table.items():
            entity = ENTITIES[collection]
            above = {
                (name, one)
                for name in entity.cascade
                for target, one in wave
                if entity.foreign[name] == target
            }
            if not above or (isinstance(rows, Rows) and above.isdisjoint(rows.children)):
                kept[collection] = rows
                continue
            lost = {
                row["id"]
                for row in rows
                if any((name, row.get(name)) in above for name in entity.cascade)
            }
            kept[collection] = [row for row in rows if row["id"] not in lost]
            orphans |= {(collection, one) for one in lost}
        table, wave = kept, orphans
    return table


def claim(entity: EntityType, group: Iterable[str], values: Iterable[Any]) -> dict[str, Any]:
    """Return what an entity claims for itself as Kong's errors have it, secrets left out.

    Foreign keys are ``{"id": …}`` or null.
    """
    return {
        name: "…" if name in SECRETS else _foreign(entity, name, value)
        for name, value in sorted(zip(group, values, strict=True))
    }


def _foreign(entity: EntityType, name: str, value: Any) -> Any:
    return {"id": value} if name in entity.foreign and value is not None else value


def dangling(field: str, target: str, key: Mapping[str, Any]) -> ReferenceViolation:
    """Return the error of a reference to an entity that does not exist; ``key`` names that."""
    text = f"the foreign key '{describe(key)}' does not reference an existing '{target}' entity."
    return ReferenceViolation(text, {field: dict(key)})


def describe(fields: Mapping[str, Any]) -> str:
    """Return fields as Kong's errors show them in a text: ``{name="a",service={id="…"}}``."""
    return "{" + ",".join(f"{name}={_shown(value)}" for name, value in fields.items()) + "}"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return describe(value)
    return "null" if value is None else f'"{value}"'


def _check_claims(
    entity: EntityType, own: Iterable[Row], others: Iterable[Row], publisher: str
) -> None:
    taken: dict[Any, Row] = {}
    for row in others:
        taken |= dict.fromkeys(unique_values(entity, row), row)
    for row in own:
        for group, values in unique_values(entity, row):
            other = taken.get((group, values))
            if other is not None:
                fields = claim(entity, group, values)
                text = f"UNIQUE violation detected on '{describe(fields)}'"
                raise UniqueViolation(f"{text}: {_whose(entity, other, publisher)}", fields)


def _whose(entity: EntityType, row: Mapping[str, Any], publisher: str) -> str:
    owner = owner_of(dict(row))
    label = row_label(entity, dict(row))
    if owner is None:
        return f"{label} belongs to no owner; give its id, {row['id']}, to take it over"
    if owner == publisher:
        return f"{label} has not all tags that this publishes by; tag it, or remove it there"
    return f'{label} belongs to owner "{owner}"; choose another name, or remove it there'


def _ids(table: Table) -> set[tuple[str, str]]:
    return {(collection, row["id"]) for collection, rows in table.items() for row in rows}
