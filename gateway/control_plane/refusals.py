# SPDX-License-Identifier: Apache-2.0
"""Refusals of data planes: of which entities, and what is left out of pushes because of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from gateway.control_plane.delta import Delta, Key, RowChange, undone
from gateway.control_plane.ownership import owner_of
from gateway.entities import ENTITIES, Row
from gateway.entities.checks import Table, row_label

_REFERENCE = re.compile(r"\{vault://[^{}]*\}")
_SHOWN = 3
"""Entities that a refusal names in a sentence; of more it says how many."""


@dataclass(frozen=True, eq=False)
class Refusal:
    """One data plane's refusal, of which entities, and whose they are."""

    node: str
    hostname: str
    release: int
    reason: str
    entities: list[dict[str, Any]]
    """``collection``, ``id``, ``entity`` (its name for people) and ``owner`` or null."""
    served_without: bool
    """Whether data planes are sent these entities as they were before."""

    @property
    def text(self) -> str:
        """The refusal as a sentence without its end."""
        found = [_whose(one) for one in self.entities[:_SHOWN]]
        more = len(self.entities) - _SHOWN
        names = ", ".join(found) + (f" and {more} more" if more > 0 else "")
        about = f"{names}: " if names else ""
        return f"{about}{self.reason}"

    @property
    def warning(self) -> str:
        """The refusal as somebody is told who reads or writes the entity."""
        return (
            f"data plane {self.hostname} refused {self.text}; data planes are served without this "
            "change until the entity is changed again"
        )

    def body(self) -> dict[str, Any]:
        """Return what the Admin API shows of it."""
        return {
            "data_plane": {"id": self.node, "hostname": self.hostname},
            "release": self.release,
            "message": self.reason,
            "entities": self.entities,
            "served_without": self.served_without,
        }


class LeftOut:
    """Changes that data planes are not sent. What one refusal is about goes and comes together."""

    def __init__(self) -> None:
        self._found: dict[Key, tuple[RowChange, Refusal]] = {}
        self.edition = 0
        """Another number after each change."""

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, key: Key) -> bool:
        return key in self._found

    @property
    def refusals(self) -> list[Refusal]:
        """The refusals that there are."""
        return list({id(refusal): refusal for _, refusal in self._found.values()}.values())

    def refusal_of(self, key: Key) -> Refusal | None:
        """Return the refusal of an entity."""
        found = self._found.get(key)
        return None if found is None else found[1]

    def add(self, delta: Delta, refusal: Refusal) -> None:
        """Leave changes out from now on."""
        self._found |= {key: (change, refusal) for key, change in delta.items()}
        self.edition += 1

    def take(self, keys: Iterable[Key]) -> list[tuple[Refusal, dict[Key, RowChange]]]:
        """Leave the changes of these refusals out no longer; return them."""
        wanted = {id(self._found[key][1]) for key in keys if key in self._found}
        return self._take([one for one in self.refusals if id(one) in wanted])

    def take_of(self, node: str) -> list[tuple[Refusal, dict[Key, RowChange]]]:
        """Leave nothing out because of this data plane; return what was."""
        return self._take([one for one in self.refusals if one.node == node])

    def _take(self, refusals: list[Refusal]) -> list[tuple[Refusal, dict[Key, RowChange]]]:
        taken = []
        for refusal in refusals:
            keys = [key for key, (_, of) in self._found.items() if of is refusal]
            taken.append((refusal, {key: self._found.pop(key)[0] for key in keys}))
            self.edition += 1
        return taken

    def changed(self, table: Table) -> list[Key]:
        """Return the entities that are no longer as they were refused."""
        collections = {collection for collection, _ in self._found}
        rows = {name: {row["id"]: row for row in table.get(name, ())} for name in collections}
        return [
            key
            for key, (change, _) in self._found.items()
            if rows[key[0]].get(key[1]) != change.after
        ]

    def applied(self, table: Table) -> Table:
        """Return a configuration without them."""
        if not self._found:
            return table
        return undone(table, {key: change for key, (change, _) in self._found.items()})

    def kept(self) -> list[Any]:
        """Return everything as JSON, for ``restore``."""
        return [
            {
                "refusal": asdict(refusal),
                "changes": [
                    [*key, change.before, change.after]
                    for key, (change, of) in self._found.items()
                    if of is refusal
                ],
            }
            for refusal in self.refusals
        ]

    def replace(self, kept: Iterable[Mapping[str, Any]]) -> None:
        """Leave out what ``kept`` has returned elsewhere, and nothing else."""
        self._found.clear()
        self.edition += 1
        self.restore(kept)

    def restore(self, kept: Iterable[Mapping[str, Any]]) -> None:
        """Take up what ``kept`` has returned."""
        for one in kept:
            delta = {
                (collection, entity): RowChange(before, after)
                for collection, entity, before, after in one["changes"]
            }
            self.add(delta, Refusal(**one["refusal"]))


def named(reason: str, rows: Mapping[Key, Row | None]) -> set[Key]:
    """Return the entities that hold what a refusal names: vault references."""
    names = [name.encode() for name in _REFERENCE.findall(reason)]
    found: set[Key] = set()
    for key, row in rows.items():
        text = orjson.dumps(row) if names and row is not None else b""
        if any(name in text for name in names):
            found.add(key)
    return found


def named_in(reason: str, table: Table) -> dict[Key, Row]:
    """Return the rows of a configuration that hold what a refusal names."""
    rows = {(name, row["id"]): row for name, found in table.items() for row in found}
    return {key: rows[key] for key in named(reason, rows)}


def entity_of(collection: str, row: Row) -> dict[str, Any]:
    """Return an entity as refusals name it."""
    return {
        "collection": collection,
        "id": row["id"],
        "entity": row_label(ENTITIES[collection], row),
        "owner": owner_of(row),
    }


def _whose(entity: Mapping[str, Any]) -> str:
    owner = entity["owner"]
    made = "made through the Admin API" if owner is None else f'of owner "{owner}"'
    return f"{entity['entity']} {made}"
