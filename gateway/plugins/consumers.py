# SPDX-License-Identifier: Apache-2.0
"""The consumers of a release and their keys, ready for look-ups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from time import time
from typing import Any, NamedTuple

from gateway.errors import ReleaseRefused
from gateway.http.headers import IDENTITY, Headers
from gateway.http.messages import Request

Row = Mapping[str, Any]

_NAMES = (b"x-consumer-id", b"x-consumer-custom-id", b"x-consumer-username")
_CONTROL = bytes(32 if code < 32 or code == 127 else code for code in range(256))
"""A line break in a name must not become a header of its own."""


class Identity(NamedTuple):
    """A consumer as a request shows it: rows, the headers that say so, and until when it holds."""

    consumer: Row
    credential: Row | None
    headers: Headers
    expires: float
    """Seconds since 1970; infinite without ``ttl``."""

    def put_on(self, request: Request) -> None:
        """Make it the request's; headers that claim another identity go."""
        request.headers = [pair for pair in request.headers if pair[0] not in IDENTITY]
        request.headers += self.headers
        request.consumer = self.consumer
        if self.credential is not None:
            request.credential = self.credential


class Consumers:
    """Raises ``ReleaseRefused`` when two credentials have the same key."""

    def __init__(self, consumers: Iterable[Row] = (), keys: Iterable[Row] = ()) -> None:
        self._by_id = {row["id"]: row for row in consumers}
        self._by_name = {
            row["username"]: row for row in self._by_id.values() if row.get("username")
        }
        self._keys: dict[bytes, Identity] = {}
        for row in keys:
            consumer = self._by_id.get(row["consumer"])
            if consumer is None:
                continue
            key = row["key"].encode()
            other = self._keys.get(key)
            if other is not None and other.credential is not None:
                both = f"{other.credential['id']} and {row['id']}"
                raise ReleaseRefused([f"keyauth_credentials {both} have the same key"])
            self._keys[key] = _identified(consumer, row)

    def by_key(self, key: bytes) -> Identity | None:
        """Return the consumer of an API key; None when it has none, or is expired."""
        found = self._keys.get(key)
        return None if found is None or found.expires <= time() else found

    def anonymous(self, name: str) -> Identity | None:
        """Return the consumer with this id or user name as the one for requests without a key."""
        consumer = self._by_id.get(name) or self._by_name.get(name)
        if consumer is None:
            return None
        headers = [*_headers(consumer), (b"x-anonymous-consumer", b"true")]
        return Identity(consumer, None, headers, float("inf"))


def _identified(consumer: Row, credential: Row) -> Identity:
    headers = [*_headers(consumer), (b"x-credential-identifier", credential["id"].encode())]
    ttl = credential.get("ttl")
    expires = credential["created_at"] + ttl if ttl else float("inf")
    return Identity(consumer, credential, headers, expires)


def _headers(consumer: Row) -> Headers:
    given = zip(_NAMES, map(consumer.get, ("id", "custom_id", "username")), strict=True)
    return [(name, value.encode().translate(_CONTROL)) for name, value in given if value]
