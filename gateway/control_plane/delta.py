# SPDX-License-Identifier: Apache-2.0
"""What leads from one configuration to another, entity by entity: found, and undone."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.control_plane.rows import Rows
from gateway.entities import ENTITIES, Row
from gateway.entities.base import listed_ids
from gateway.entities.checks import Table

Key = tuple[str, str]
"""An entity of a configuration: collection and id."""


@dataclass(frozen=True)
class RowChange:
    """One entity before and after; None where there is none."""

    before: Row | None
    after: Row | None


Delta = Mapping[Key, RowChange]


def between(old: Table, new: Table) -> dict[Key, RowChange]:
    """Return what differs. Rows that both share as objects are passed over quickly."""
    found: dict[Key, RowChange] = {}
    for collection in {**old, **new}:
        before, after = old.get(collection, []), new.get(collection, [])
        if before is after:
            continue
        if isinstance(after, Rows) and after.step is not None and after.step[0]() is before:
            _, removed, put = after.step
            row = removed or put
            if row is not None and removed != put:
                found[collection, row["id"]] = RowChange(removed, put)
            continue
        left, right = _middle(before, after)
        rows = {row["id"]: row for row in right}
        for row in left:
            other = rows.pop(row["id"], None)
            if row is not other and row != other:
                found[collection, row["id"]] = RowChange(row, other)
        for row in rows.values():
            found[collection, row["id"]] = RowChange(None, row)
    return found


def _middle(old: list[Row], new: list[Row]) -> tuple[list[Row], list[Row]]:
    """Return both lists without what they begin and end with alike."""
    start = _alike(old, new)
    end = min(_alike(reversed(old), reversed(new)), min(len(old), len(new)) - start)
    return old[start : len(old) - end], new[start : len(new) - end]


def _alike(old: Iterable[Row], new: Iterable[Row]) -> int:
    count = 0
    for same in map(operator.is_, old, new):
        if not same:
            break
        count += 1
    return count


def undone(table: Table, delta: Delta) -> Table:
    """Return a configuration in which the rows are again as they were before ``delta``.

    A row that somebody has changed since stays. What refers to a row that is gone goes with it.
    """
    wanted: dict[str, dict[str, Row | None]] = {}
    for (collection, entity), change in delta.items():
        wanted.setdefault(collection, {})[entity] = change.before
    result = dict(table)
    lost = False
    for collection, rows in wanted.items():
        current = {row["id"]: row for row in table.get(collection, ())}
        for entity, row in rows.items():
            if current.get(entity) != delta[collection, entity].after:
                continue
            if row is not None:
                current[entity] = row
            elif current.pop(entity, None) is not None:
                lost = True
        result[collection] = [current[entity] for entity in sorted(current)]
    # What came back may refer to what is gone by now.
    back = any(row is not None for rows in wanted.values() for row in rows.values())
    return _without_dangling(result) if lost or back else result


def _without_dangling(table: Table) -> Table:
    """Return a configuration without the rows that refer to none."""
    while True:
        ids = {name: {row["id"] for row in rows} for name, rows in table.items()}
        kept = {
            name: [row for row in rows if not _dangles(name, row, ids)]
            for name, rows in table.items()
        }
        if all(len(kept[name]) == len(rows) for name, rows in table.items()):
            return table
        table = kept


def _dangles(collection: str, row: Row, ids: Mapping[str, set[str]]) -> bool:
    entity = ENTITIES[collection]
    if any(
        row.get(name) is not None and row[name] not in ids.get(target, ())
        for name, target in entity.foreign.items()
    ):
        return True
    return any(
        value not in ids.get(target, ())
        for name, target in entity.foreign_lists.items()
        for value in listed_ids(row.get(name))
    )
