# SPDX-License-Identifier: Apache-2.0
"""A caller of the Admin API as far as it is known: its name, its roles, and for whose entities.

Roles are ordered, and each has what those before it have: who changes an entity reads it first
(decK does), and who publishes a document can make any entity that a single write makes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["read", "write", "publish", "admin"]
"""What a caller may do: see everything but tokens and the audit log; make single writes; publish
documents and holds, and roll back; manage tokens and read the audit log."""
ROLES: tuple[Role, ...] = get_args(Role)
"""All roles, each with the rights of those before it."""


@dataclass(frozen=True)
class AdminIdentity:
    """Who calls. It is valid as long as its token is: ``Authentication.is_valid``."""

    name: str
    roles: frozenset[Role]
    """All roles it has, those that come with others included."""
    owners: frozenset[str] = frozenset()
    """Whose entities it may change; empty: everybody's. Reading is not limited."""
    key: str = ""
    """Tells the credential it came with from others of the same name; no secret."""
    proven: bool = True
    """Whether it came with a credential; False for everybody where none is asked for."""

    def may(self, role: Role) -> bool:
        """Tell whether it has a role."""
        return role in self.roles

    def may_change(self, owner: str | None) -> bool:
        """Tell whether it may change an owner's entities; None: those that belong to no owner."""
        return not self.owners or owner in self.owners


def with_lower(roles: Collection[str]) -> frozenset[Role]:
    """Return roles with those that come with them; raises ``ValueError`` for an unknown one."""
    places = [_place(role) for role in roles]
    return frozenset(ROLES[: max(places, default=-1) + 1])


def _place(role: str) -> int:
    for place, known in enumerate(ROLES):
        if known == role:
            return place
    raise ValueError(f'unknown role "{role}"; allowed: {", ".join(ROLES)}')
