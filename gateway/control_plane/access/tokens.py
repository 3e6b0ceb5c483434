# SPDX-License-Identifier: Apache-2.0
"""Tokens: made once, kept as a digest, and what is known of each.

Methods of ``TokenStore`` block; they may run in any thread.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import orjson
import sqlalchemy as sa

from gateway.control_plane.access.identity import AdminIdentity, with_lower
from gateway.control_plane.access.token_table import TOKENS
from gateway.control_plane.store import Store
from gateway.errors import NotFound, UniqueViolation

PREFIX = "kgw_"
"""What every token begins with, so that scanners for secrets know one."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
NAME_RULE = "1 to 100 letters, digits and any of . _ @ -, the first a letter or digit"
"""What names of tokens may be; none has a space, as those have that the gateway gives itself."""


@dataclass(frozen=True)
class AdminToken:
    """What is known of one token; times in seconds since 1970."""

    id: str
    name: str
    digest: bytes
    roles: tuple[str, ...]
    """As they were given, the highest last; see ``with_lower``."""
    owners: tuple[str, ...]
    created_by: str
    created_at: int
    expires_at: int | None = None
    last_used: int | None = None
    revoked_at: int | None = None

    @property
    def identity(self) -> AdminIdentity:
        """Who sends it."""
        return AdminIdentity(self.name, with_lower(self.roles), frozenset(self.owners), self.id)

    @property
    def ended_at(self) -> int | None:
        """When it was revoked or expires, whichever was first; None: never."""
        ends = [at for at in (self.revoked_at, self.expires_at) if at is not None]
        return min(ends, default=None)

    @property
    def state(self) -> str:
        """``active``, ``expired`` or ``revoked``."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= time.time():
            return "expired"
        return "active"


def digest_of(token: bytes) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token).digest()


def is_name(text: str) -> bool:
    """Tell whether a token may have this name: see ``NAME_RULE``."""
    return _NAME.fullmatch(text) is not None


def chosen(tokens: Iterable[AdminToken], key: str) -> AdminToken:
    """Return the token of an id, else the active one of a name, else its newest.

    Raises ``NotFound``.
    """
    found = [one for one in tokens if key in (one.id, one.name)]
    if not found:
        raise NotFound(f'no token "{key}"')
    return sorted(found, key=lambda one: (one.id == key, one.state == "active", one.created_at))[-1]


class TokenStore:
    """The tokens in the control plane's database. Raises ``StoreError`` when that fails."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[AdminToken]:
        """Return all tokens, the oldest first, also those that are no longer valid."""
        query = sa.select(TOKENS).order_by(TOKENS.c.created_at, TOKENS.c.name)
        with self._store.reading() as connection:
            return [_token(row._asdict()) for row in connection.execute(query)]

    def create(
        self,
        name: str,
        roles: Collection[str],
        owners: Collection[str],
        created_by: str,
        expires_at: int | None,
    ) -> tuple[AdminToken, str]:
        """Make a token; return what is known of it, and itself, which is kept nowhere.

        Raises ``UniqueViolation`` when an active one has the name.
        """
        text = PREFIX + secrets.token_urlsafe(32)
        made = AdminToken(
            id=str(uuid4()),
            name=name,
            digest=digest_of(text.encode()),
            roles=tuple(sorted(set(roles))),
            owners=tuple(sorted(set(owners))),
            created_by=created_by,
            created_at=int(time.time()),
            expires_at=expires_at,
        )
        values = {column.name: getattr(made, column.name) for column in TOKENS.columns}
        values |= {"roles": _list(made.roles), "owners": _list(made.owners)}
        with self._store.writing() as connection:
            rows = connection.execute(sa.select(TOKENS).where(TOKENS.c.name == name))
            if any(_token(row._asdict()).state == "active" for row in rows):
                claimed = f"UNIQUE violation detected on '{{name=\"{name}\"}}'"
                raise UniqueViolation(f"{claimed}: revoke that token first", {"name": name})
            connection.execute(sa.insert(TOKENS).values(values))
            self._store.database.announce(connection, "token")
        return made, text

    def revoke(self, key: str) -> AdminToken:
        """Revoke a token by its id, or the active one of a name; raises ``NotFound``.

        One that is revoked already stays as it is.
        """
        if not is_name(key):  # ids are names by this rule
            raise NotFound(f'no token "{key}"')
        with self._store.writing() as connection:
            query = sa.select(TOKENS).where((TOKENS.c.id == key) | (TOKENS.c.name == key))
            token = chosen([_token(row._asdict()) for row in connection.execute(query)], key)
            if token.revoked_at is None:
                token = replace(token, revoked_at=int(time.time()))
                change = sa.update(TOKENS).where(TOKENS.c.id == token.id)
                connection.execute(change.values(revoked_at=token.revoked_at))
                self._store.database.announce(connection, "token")
        return token

    def remove_ended(self, until: int) -> list[AdminToken]:
        """Remove the tokens that were revoked or expired until a time; return them.

        When all of them ended, the newest stays: that there has been one keeps the API closed.
        """
        with self._store.writing() as connection:
            query = sa.select(TOKENS).order_by(TOKENS.c.created_at, TOKENS.c.name)
            rows = [_token(row._asdict()) for row in connection.execute(query)]
            gone = [one for one in rows if one.ended_at is not None and one.ended_at <= until]
            if len(gone) == len(rows):
                gone = gone[:-1]
            if gone:
                ids = [one.id for one in gone]
                connection.execute(sa.delete(TOKENS).where(TOKENS.c.id.in_(ids)))
                self._store.database.announce(connection, "token")
        return gone

    def note_used(self, times: Mapping[str, int]) -> None:
        """Keep when tokens were used last, by their ids."""
        with self._store.writing() as connection:
            for key, at in times.items():
                chosen = sa.update(TOKENS).where(TOKENS.c.id == key)
                connection.execute(chosen.values(last_used=at))


def _list(items: Collection[str]) -> str:
    return orjson.dumps(list(items)).decode()


def _token(row: Mapping[str, Any]) -> AdminToken:
    lists = {name: tuple(orjson.loads(row[name])) for name in ("roles", "owners")}
    return AdminToken(**{**row, **lists})
