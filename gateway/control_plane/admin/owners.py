# SPDX-License-Identifier: Apache-2.0
"""Owners as Kong's clients meet them: they see no tag of ours, and change nobody's by mistake.

decK would put an owner's tag back for ever, and a sync that names no tags deletes all that is not
in its files: both are no faults of decK's, which knows of no owners.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote

from starlette.requests import Request

from gateway.control_plane.access.identity import AdminIdentity
from gateway.control_plane.access.owner_limits import as_own, limits_of
from gateway.control_plane.delta import between
from gateway.control_plane.ownership import owner_of
from gateway.control_plane.releases import Rule, checked
from gateway.entities import ENTITIES
from gateway.entities.checks import Table, row_label
from gateway.errors import OwnedElsewhere, RequestRejected

OWNER = "X-Kafka-Gateway-Owner"
"""The header that names the owners whose entities a write may change; ``*`` is all of them."""
OWNER_TAGS, QUERY = "X-Kafka-Gateway-Owner-Tags", "owner_tags"
"""The header, and the query parameter, that ask for the tags of owners: ``true``."""


_WORDS = {"true": True, "1": True, "false": False, "0": False, "": False}


def shows_owners(request: Request) -> bool:
    """Tell whether a caller wants to see the tags that say whose an entity is.

    Raises ``RequestRejected``.
    """
    for name, texts in (
        (QUERY, request.query_params.getlist(QUERY)),
        (OWNER_TAGS, request.headers.getlist(OWNER_TAGS)),
    ):
        for text in texts:
            if text.lower() not in _WORDS:
                raise RequestRejected(400, f"{name}: {text}: expected true or false")
            return _WORDS[text.lower()]
    return False


def guarded(rule: Rule, request: Request) -> Rule:
    """Return the rule of a single write, which raises ``OwnedElsewhere`` for others' entities.

    What goes along with a deleted entity counts as well. A caller that is limited to some owners
    need not name them, and may not change what others have.
    """
    identity: AdminIdentity = request.state.identity
    named = {part.strip() for part in request.headers.get(OWNER, "").split(",")} | identity.owners
    rule = checked(as_own(rule, identity), limits_of(identity))

    def apply(table: Table) -> Table:
        after = rule(table)
        if "*" not in named:
            _check(table, after, named)
        return after

    return apply


def _check(before: Table, after: Table, named: Collection[str]) -> None:
    for (collection, _), change in between(before, after).items():
        owner = None if change.before is None else owner_of(change.before)
        if change.before is None or owner is None or {owner, quote(owner)} & set(named):
            continue
        label = row_label(ENTITIES[collection], change.before)
        raise OwnedElsewhere(label, owner, f"{OWNER}: {quote(owner)}")
