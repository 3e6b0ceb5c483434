# SPDX-License-Identifier: Apache-2.0
"""Whose a token is: consumer, groups, credential, and the headers that tell of it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from gateway.http.headers import Headers, spellings
from gateway.plugins.consumers import Consumers, Row, header_value, virtual
from gateway.plugins.openid_connect.refusals import Refusals
from gateway.plugins.tokens.claims import Claims, at, name_of, text, words

Found = Any
"""An ``Identity`` or a ``Denial``."""


class Identities:
    """Made once of a configuration and a release's consumers."""

    def __init__(self, config: Any, consumers: Consumers, refusals: Refusals) -> None:
        self._config = config
        self._consumers = consumers
        self._refusals = refusals
        self._paths = config.consumer_claims or []
        if config.consumer_claim:
            self._paths = [*self._paths, config.consumer_claim]
        self._token_header, self._prefix = _token_header(config.upstream_access_token_header)
        self.sets_bearer = (self._token_header, self._prefix) == (b"authorization", b"Bearer ")
        """Whether the upstream gets the token as callers show it."""
        names = config.upstream_headers_names or ()
        by_path = [(entry.header, entry.path) for entry in config.upstream_headers or ()]
        pairs = zip(names, config.upstream_headers_claims or (), strict=False)
        by_path += [(name, [claim]) for name, claim in pairs]
        self._by_path = [(name.lower().encode(), path) for name, path in by_path]
        introspection = config.upstream_introspection_header
        self._introspection = introspection.lower().encode() if introspection else None
        own = {name for name, _ in self._by_path} | ({self._introspection} - {None})
        self.claim_headers = frozenset(other for name in own for other in spellings(name or b""))
        """Headers, in every spelling, that only the plugin sets."""
        self.token_headers = (
            frozenset(spellings(self._token_header)) if self._token_header else frozenset()
        )
        """The header for the token, which takes the place of the caller's."""

    def of(self, claims: Claims, token: bytes, introspected: Claims | None) -> Found:
        """Return the identity, or the refusal of who is not known here."""
        config = self._config
        consumer, problem = self._consumer(claims)
        if problem:
            return self._refusals.forbidden(problem)
        groups, problem = self._consumer_groups(claims)
        if problem:
            return self._refusals.forbidden(problem)
        named: Sequence[str] | None = None
        if config.authenticated_groups_claim:
            named = tuple(words(at(claims, config.authenticated_groups_claim)))
        identity = virtual(
            self._credential(claims, token),
            consumer,
            groups=named,
            consumer_groups=groups,
            claims=claims,
        )
        return identity._replace(
            headers=[*identity.headers, *self._headers(claims, token, introspected)]
        )

    def _consumer(self, claims: Claims) -> tuple[Row | None, str]:
        if not self._paths:
            return None, ""
        for path in self._paths:
            name = name_of(at(claims, path))
            if name is None:
                continue
            found = self._find(name)
            if found is None and not self._config.consumer_optional:
                return None, "there is no consumer for the token"
            return found, ""
        if self._config.consumer_optional:
            return None, ""
        return None, "the token names no consumer"

    def _find(self, name: str) -> Row | None:
        by = self._config.consumer_by
        found = self._consumers.find(name, *by)
        if found is None and self._config.by_username_ignore_case and "username" in by:
            found = self._consumers.find_username(name.casefold())
        return found

    def _consumer_groups(self, claims: Claims) -> tuple[Sequence[Row] | None, str]:
        path = self._config.consumer_groups_claim
        if not path:
            return None, ""
        names = words(at(claims, path))
        found = [self._consumers.group(name) for name in names]
        if (None in found or not found) and not self._config.consumer_groups_optional:
            return None, "the token names no consumer group that is there"
        known = {row["name"]: row for row in found if row is not None}
        return tuple(known[name] for name in sorted(known)) or None, ""

    def _credential(self, claims: Claims, token: bytes) -> str:
        """Return what stands for the credential: something, or callers would count as one."""
        for path in (self._config.credential_claim, ["client_id"], ["azp"]):
            name = name_of(at(claims, path))
            if name is not None:
                return name
        return hashlib.sha256(token).hexdigest()

    def _headers(self, claims: Claims, token: bytes, introspected: Claims | None) -> Headers:
        headers: Headers = []
        if self._token_header:
            headers.append((self._token_header, self._prefix + token))
        for name, path in self._by_path:
            value = text(at(claims, path))
            if value is not None:
                headers.append((name, header_value(value)))
        if self._introspection and introspected is not None:
            headers.append((self._introspection, base64.b64encode(orjson.dumps(introspected))))
        return headers


def _token_header(configured: str | None) -> tuple[bytes | None, bytes]:
    """Return the header for the token, and what stands before the token."""
    if not configured:
        return None, b""
    name, _, scheme = configured.partition(":")
    prefix = f"{scheme.strip().capitalize()} " if scheme.strip() else ""
    return name.strip().lower().encode(), prefix.encode()
