# SPDX-License-Identifier: Apache-2.0
"""The consumers of a release, their credentials and groups, ready for look-ups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.errors import ReleaseRefused
from gateway.http.headers import IDENTITY, Headers
from gateway.http.messages import Request

Row = Mapping[str, Any]

CREDENTIALS = {
    "keyauth_credentials": ("key", "id"),
    "basicauth_credentials": ("username", "username"),
    "hmacauth_credentials": ("username", "username"),
    "jwt_secrets": ("key", "key"),
    "oauth2_credentials": ("client_id", "client_id"),
}
"""Collections of credentials: the field by which one is found, and the one that says, in the
header X-Credential-Identifier, which it was."""

_NAMES = (b"x-consumer-id", b"x-consumer-custom-id", b"x-consumer-username")
_CONTROL = bytes(32 if code < 32 or code == 127 else code for code in range(256))
"""A line break in a name must not become a header of its own."""
FOR_EVER = float("inf")
"""When a credential without ``ttl`` ends."""


class Identity(NamedTuple):
    """Who a request comes from: rows, the headers that say so, and until when it holds."""

    consumer: Row | None
    """None for who is known to another system alone."""
    credential: Row | None
    """None for the anonymous consumer, so that other plugins still look for a credential."""
    headers: Headers
    expires: float = FOR_EVER
    """Seconds since 1970; infinite without ``ttl``."""
    groups: Sequence[str] | None = None
    """Groups that the proof itself names, for ``acl``; None: it says nothing of groups."""
    consumer_groups: Sequence[Row] | None = None
    """Consumer groups that count in place of the consumer's own; see ``Consumers.groups_of``."""
    claims: Mapping[str, Any] | None = None
    """What a token says, verified; None where there was none."""

    def put_on(self, request: Request, strips: frozenset[bytes] = IDENTITY) -> None:
        """Make it the request's; headers that claim another identity go: ``strips``."""
        # Taken apart at once: reading a field by its name takes five times as long.
        consumer, credential, own, _, groups, consumer_groups, claims = self
        headers = request.headers
        if headers is not request.unclaimed or strips is not IDENTITY:
            headers = [pair for pair in headers if pair[0] not in strips]
        request.headers = headers + own
        request.consumer = consumer
        if credential is not None:
            request.credential = credential
        request.authenticated_groups = groups
        request.consumer_groups = consumer_groups
        request.claims = claims


class Consumers:
    """``table`` holds the rows of a configuration by collection.

    Credentials are found by a look-up in a dictionary, whose time tells nothing: CPython compares
    two texts only where their hashes are equal in all 64 bits, and the hash is SipHash under a key
    that is random in each process. So they need no keyed digest of their own, which would cost
    more than the look-up and hide nothing: the rows beside them hold the same texts.

    Raises ``ReleaseRefused`` when two credentials of a collection have the same public field.
    """

    def __init__(self, table: Mapping[str, Iterable[Row]] | None = None) -> None:
        table = table or {}
        self._by: dict[str, dict[str, Row]] = {"id": {}, "username": {}, "custom_id": {}}
        for row in table.get("consumers", ()):
            for field, found in self._by.items():
                if row.get(field):
                    found[row[field]] = row
        self._by_folded: dict[str, Row | None] | None = None
        self._identities = {
            collection: self._index(collection, table.get(collection, ()))
            for collection in CREDENTIALS
        }
        self._credentials = {name: list(table.get(name, ())) for name in ("mtls_auth_credentials",)}
        self._acls: dict[str, list[str]] = {}
        for row in table.get("acls", ()):
            self._acls.setdefault(row["consumer"], []).append(row["group"])
        self._groups = {row["name"]: row for row in table.get("consumer_groups", ())}
        self._groups_of = self._memberships(table.get("consumer_group_consumers", ()))

    def _index(self, collection: str, rows: Iterable[Row]) -> dict[bytes, Identity]:
        public, shown = CREDENTIALS[collection]
        found: dict[bytes, Identity] = {}
        for row in rows:
            consumer = self._by["id"].get(row["consumer"])
            if consumer is None:
                continue
            key = row[public].encode()
            other = found.get(key)
            if other is not None and other.credential is not None:
                both = f"{other.credential['id']} and {row['id']}"
                raise ReleaseRefused([f"{collection} {both} have the same {public}"])
            found[key] = identified(consumer, row, row[shown])
        return found

    def _memberships(self, rows: Iterable[Row]) -> dict[str, tuple[Row, ...]]:
        by_id = {row["id"]: row for row in self._groups.values()}
        members: dict[str, list[Row]] = {}
        for row in rows:
            group = by_id.get(row["consumer_group"])
            if group is not None:
                members.setdefault(row["consumer"], []).append(group)
        return {
            consumer: tuple(sorted(groups, key=lambda group: str(group["name"])))
            for consumer, groups in members.items()
        }

    def credentials(self, collection: str) -> Mapping[bytes, Identity]:
        """Return the identities of a collection's credentials by public field, in UTF-8.

        Those with ``ttl`` are there when it is over as well: compare ``expires`` with the time.
        """
        return self._identities[collection]

    def credential_rows(self, collection: str) -> Sequence[Row]:
        """Return the rows of credentials that are not found by one field: those of mtls-auth."""
        return self._credentials[collection]

    def find(self, value: str, *fields: str) -> Row | None:
        """Return the consumer with this value in the first of the fields that has it.

        The fields are ``id``, ``username`` and ``custom_id``.
        """
        for field in fields:
            found = self._by[field].get(value.lower() if field == "id" else value)
            if found is not None:
                return found
        return None

    def find_username(self, folded: str) -> Row | None:
        """Return the only consumer whose user name is this one, both case-folded."""
        if self._by_folded is None:
            self._by_folded = {}
            for name, row in self._by["username"].items():
                known = name.casefold() in self._by_folded
                # Of two nobody can say which one is meant.
                self._by_folded[name.casefold()] = None if known else row
        return self._by_folded.get(folded)

    def anonymous(self, name: str) -> Identity | None:
        """Return the consumer with this id or user name as the one for requests without proof."""
        consumer = self.find(name, "id", "username")
        if consumer is None:
            return None
        return Identity(consumer, None, [*_headers(consumer), (b"x-anonymous-consumer", b"true")])

    def acl_groups(self, consumer: Row) -> Sequence[str]:
        """Return the groups that a consumer is in by its ``acls``, in the order of their rows."""
        return self._acls.get(consumer["id"], ())

    def group(self, name: str) -> Row | None:
        """Return the consumer group of this name."""
        return self._groups.get(name)

    def named_groups(self, names: Iterable[str]) -> tuple[Row, ...]:
        """Return those of the groups that there are, in the order of their names, each once."""
        return tuple(self._groups[name] for name in sorted(set(names)) if name in self._groups)

    def groups_of(self, request: Request) -> Sequence[Row]:
        """Return the consumer groups of a request, by name: those it was given, or its consumer's.

        A plugin gives a request groups of its own by ``Identity.consumer_groups``;
        they are in order when ``named_groups`` made them.
        """
        if request.consumer_groups is not None:
            return request.consumer_groups
        consumer = request.consumer
        return () if consumer is None else self._groups_of.get(consumer["id"], ())


def identified(consumer: Row | None, credential: Row, shown: str, **more: Any) -> Identity:
    """Return who showed this credential; ``shown`` is what upstreams get to see of it.

    ``more`` are the other fields of ``Identity``. A credential with ``ttl`` ends after it.
    """
    headers = [] if consumer is None else _headers(consumer)
    headers.append((b"x-credential-identifier", header_value(shown)))
    if ttl := credential.get("ttl"):
        more["expires"] = credential["created_at"] + ttl
    return Identity(consumer, credential, headers, **more)


def virtual(identifier: str, consumer: Row | None = None, **more: Any) -> Identity:
    """Return who is known by what another system says, under an id of that system.

    So that requests can be counted by credential, though the configuration holds none.
    """
    return identified(consumer, {"id": identifier}, identifier, **more)


def header_value(text: str) -> bytes:
    """Return a text as the value of a header, in UTF-8: control characters become blanks."""
    return text.encode(errors="replace").translate(_CONTROL)


def _headers(consumer: Row) -> Headers:
    given = zip(_NAMES, map(consumer.get, ("id", "custom_id", "username")), strict=True)
    return [(name, header_value(value)) for name, value in given if value]
