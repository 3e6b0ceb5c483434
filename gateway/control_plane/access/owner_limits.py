# SPDX-License-Identifier: Apache-2.0
"""What a caller may change that is limited to some owners: their entities, and nobody else's.

What it writes must not reach into what others have either: no plugin on another's route, none for
all of them, and no upstream that takes the place of the host of another's service.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.control_plane.access.identity import AdminIdentity
from gateway.control_plane.delta import RowChange, between
from gateway.control_plane.ownership import owner_of
from gateway.control_plane.releases import Check, Rule
from gateway.control_plane.rows import indexed
from gateway.documents.tree import owner_tag
from gateway.entities import ENTITIES, EntityType, Row
from gateway.entities.checks import Table, row_label
from gateway.errors import Forbidden


def limits_of(identity: AdminIdentity) -> Check | None:
    """Return the check of what a caller's write changes; None when it may change everything.

    It raises ``Forbidden``.
    """
    if not identity.owners:
        return None

    def check(before: Table, after: Table) -> None:
        for (collection, _), change in between(before, after).items():
            reason = _reason(identity, ENTITIES[collection], change, after)
            if reason:
                text = f"you do not have permissions to {_verb(change)} this resource"
                raise Forbidden(f"{identity.name}, {text}: {reason}")

    return check


def as_own(rule: Rule, identity: AdminIdentity) -> Rule:
    """Return the rule of a single write: what it makes is its caller's, if that has one owner.

    Who is not limited makes entities that belong to nobody, as with Kong.
    """
    if len(identity.owners) != 1:
        return rule
    (owner,) = identity.owners
    tag = owner_tag(owner)

    def apply(table: Table) -> Table:
        after = rule(table)
        for (collection, _), change in between(table, after).items():
            made = change.after
            if change.before is None and made is not None and owner_of(made) is None:
                own = {**made, "tags": [*(made["tags"] or ()), tag]}
                rows = indexed(collection, after[collection]).replaced(made, own)
                after = {**after, collection: rows}
        return after

    return apply


def _verb(change: RowChange) -> str:
    if change.before is None:
        return "create"
    return "delete" if change.after is None else "update"


def _reason(
    identity: AdminIdentity, entity: EntityType, change: RowChange, after: Table
) -> str | None:
    """Return why a change is not the caller's to make; None when it is."""
    for row in (change.before, change.after):
        if row is not None and not identity.may_change(owner_of(row)):
            return f"{row_label(entity, row)} belongs to {_owner(row)}"
    if change.after is None:
        return None
    if entity.collection == "plugins" and not any(change.after[name] for name in entity.foreign):
        return f"{row_label(entity, change.after)} would be for everybody's requests"
    for collection, row in _references(entity, change, after):
        if not identity.may_change(owner_of(row)):
            label = row_label(ENTITIES[collection], row)
            return f"it would refer to {label}, which belongs to {_owner(row)}"
    for row in _taken_over(entity, change, after):
        if not identity.may_change(owner_of(row)):
            label = row_label(ENTITIES["services"], row)
            return f"it would get the requests of {label}, which belongs to {_owner(row)}"
    return None


def _taken_over(entity: EntityType, change: RowChange, after: Table) -> Iterator[Row]:
    """Yield the services whose host is the name of an upstream that is made or renamed."""
    assert change.after is not None
    name = change.after.get("name")
    if entity.collection == "upstreams" and name != (change.before or {}).get("name"):
        yield from (row for row in after.get("services", ()) if row["host"] == name)


def _owner(row: Row) -> str:
    owner = owner_of(row)
    return "no owner" if owner is None else f'owner "{owner}"'


def _references(entity: EntityType, change: RowChange, after: Table) -> Iterator[tuple[str, Row]]:
    """Yield what a row refers to that it did not refer to before."""
    assert change.after is not None
    former = change.before or {}
    for field, collection in {**entity.foreign, **entity.foreign_lists}.items():
        if collection == "partials":
            continue  # they are there to be shared; their owners' are not changed by that
        new, old = _ids(change.after.get(field)), _ids(former.get(field))
        for key in new - old:
            row = indexed(collection, after.get(collection, ())).find("id", key)
            if row is not None:
                yield collection, row


def _ids(value: object) -> set[str]:
    if value is None:
        return set()
    return {str(one) for one in value} if isinstance(value, list) else {str(value)}
