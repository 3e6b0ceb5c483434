# SPDX-License-Identifier: Apache-2.0
"""The rows of one collection with their indexes, so that one write need not look at all of them."""

from __future__ import annotations

import weakref
from bisect import bisect_left
from collections.abc import Iterable
from typing import Any, cast

from gateway.entities import ENTITIES, EntityType, Row
from gateway.entities.base import listed_ids
from gateway.entities.checks import unique_value

Reference = tuple[str, str]
"""A foreign key field, and the id in it."""
EVERYWHERE: Reference = ("", "")
"""Stands for plugins that are limited to neither a route nor a service."""
Unique = tuple[tuple[str, ...], tuple[Any, ...]]
"""Fields and their values, which no two rows may share."""


def unique_values(entity: EntityType, row: Row) -> list[Unique]:
    """Return what no other row may have as well: fields and their values, the id included."""
    groups = (("id",), *entity.unique)
    return [(group, value) for group in groups if (value := unique_value(row, group)) is not None]


class Rows(list[Row]):
    """Rows of one collection, sorted by id. It is never changed: ``replaced`` makes another.

    Indexes are made when they are first asked for, and handed on in copies, which costs little
    beside making them.
    """

    def __init__(self, collection: str, rows: Iterable[Row]) -> None:
        super().__init__(rows)
        self.collection = collection
        self.step: tuple[weakref.ref[Rows], Row | None, Row | None] | None = None
        """The rows that these were made of by ``replaced``, and what was taken out and put in."""
        self._taken: dict[Unique, Row] | None = None
        self._children: dict[Reference, tuple[Row, ...]] | None = None

    @property
    def taken(self) -> dict[Unique, Row]:
        """Each row by everything that is unique to it; to be read only."""
        if self._taken is None:
            entity = ENTITIES[self.collection]
            self._taken = {value: row for row in self for value in unique_values(entity, row)}
        return self._taken

    @property
    def children(self) -> dict[Reference, tuple[Row, ...]]:
        """The rows that refer to an id by a field, and those of ``EVERYWHERE``; to be read only."""
        if self._children is None:
            found: dict[Reference, list[Row]] = {}
            for row in self:
                for key in _references(self.collection, row):
                    found.setdefault(key, []).append(row)
            self._children = {key: tuple(rows) for key, rows in found.items()}
        return self._children

    def find(self, field: str, value: str) -> Row | None:
        """Return the row that has a value in a unique field."""
        if field != "id" and (field,) not in ENTITIES[self.collection].unique:
            return next((row for row in self if row.get(field) == value), None)
        return self.taken.get(((field,), (value,)))

    def replaced(self, before: Row | None, after: Row | None) -> Rows:
        """Return the rows without ``before`` and with ``after``; None stands for none."""
        taken, children = dict(self.taken), dict(self.children)
        entity = ENTITIES[self.collection]
        result = Rows(self.collection, self)
        if before is not None:
            del result[result._place(before["id"])]
            for value in unique_values(entity, before):
                taken.pop(value, None)
            for key in _references(self.collection, before):
                children[key] = tuple(row for row in children[key] if row is not before)
                if not children[key]:
                    del children[key]
        if after is not None:
            result.insert(result._place(after["id"]), after)
            taken |= dict.fromkeys(unique_values(entity, after), after)
            for key in _references(self.collection, after):
                children[key] = (*children.get(key, ()), after)
        result._taken, result._children = taken, children
        result.step = weakref.ref(self), before, after
        return result

    def _place(self, entity_id: str) -> int:
        return bisect_left(self, entity_id, key=lambda row: cast(str, row["id"]))


def _references(collection: str, row: Row) -> list[Reference]:
    entity = ENTITIES[collection]
    found: list[Reference] = [
        (name, row[name]) for name in entity.foreign if row.get(name) is not None
    ]
    for name in entity.foreign_lists:
        # A list may name the same twice.
        found += [(name, value) for value in dict.fromkeys(listed_ids(row.get(name)))]
    if collection == "plugins" and row.get("route") is None and row.get("service") is None:
        found.append(EVERYWHERE)
    return found


def indexed(collection: str, rows: Iterable[Row]) -> Rows:
    """Return rows with indexes, sorted by id; those that have them as they are."""
    if isinstance(rows, Rows):
        return rows
    return Rows(collection, sorted(rows, key=lambda row: str(row["id"])))
