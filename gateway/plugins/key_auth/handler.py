# SPDX-License-Identifier: Apache-2.0
"""The access phase of ``key-auth``: find the key, find its consumer, let pass or refuse."""

from __future__ import annotations

from collections.abc import Sequence
from time import time
from typing import Any

from gateway.http.headers import spellings
from gateway.http.messages import Request
from gateway.plugins.authentication import (
    AuthenticationHandler,
    Denial,
    Found,
    challenge,
    without,
)
from gateway.plugins.base import PluginContext
from gateway.plugins.consumers import FOR_EVER
from gateway.plugins.key_auth.bodies import Bodies
from gateway.plugins.key_auth.places import SEVERAL, Arguments, Place

_NO_KEY = "No API key found in request"
_TWO_KEYS = "Duplicate API key found"
_UNKNOWN = "Unauthorized"


class KeyAuth(AuthenticationHandler):
    """Finds the key, and by it the consumer."""

    name = "key-auth"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self.needs_body = config.key_in_body
        self._headers = tuple(map(_spellings, config.key_names)) if config.key_in_header else ()
        self._every_header = frozenset().union(*self._headers)
        self._query = Arguments(config.key_names) if config.key_in_query else None
        self._bodies = Bodies(config.key_names) if config.key_in_body else None
        self._elsewhere = config.key_in_query or config.key_in_body
        first = self._headers and (len(self._headers) == 1 or not self._elsewhere)
        self._first = self._headers[0] if first else frozenset[bytes]()
        """Header names under which a key, where there is one, is the request's key."""
        self._identities = context.consumers.credentials("keyauth_credentials")
        ask = challenge("Key", config.realm)
        self._no_key = Denial(_NO_KEY, "no key was shown", headers=ask, absent=True)
        self._two_keys = Denial(_TWO_KEYS, "more than one key was shown", headers=ask)
        self._unknown = Denial(_UNKNOWN, "no consumer has the key", headers=ask)
        self._expired = Denial(_UNKNOWN, "the key has expired", headers=ask)

    def authenticate(self, request: Request) -> Found:
        """Return whose key it is."""
        first, key = self._first, None
        for name, value in request.headers:
            if name in first:
                if key is not None:
                    return self._two_keys
                key = value
        if key is None:
            keys = self._keys(request)
            if len(keys) > 1:
                return self._two_keys
            key = keys[0] if keys else b""
        if not key:
            return self._no_key
        found = self._identities.get(key)
        if found is None:
            return self._unknown
        expires = found.expires
        if expires is FOR_EVER or expires > time():
            return found
        return self._expired

    def _keys(self, request: Request) -> Sequence[bytes]:
        """Return the values under the first name that has any: one is as it should be.

        For a request that has none under ``_first``.
        """
        if self._elsewhere:
            return self._keys_anywhere(request)
        for names in self._headers[1:]:
            if found := _values(request, names):
                return found
        return ()

    def _keys_anywhere(self, request: Request) -> Sequence[bytes]:
        elsewhere: list[list[Place]] = []
        if self._query is not None and request.query:
            elsewhere.append(self._query.places(request.query))
        if self._bodies is not None:
            content_type = request.header(b"content-type")
            elsewhere.append(self._bodies.places(request.body, content_type))
        for number, plain in enumerate(self.config.key_names):
            if self._headers and (values := _values(request, self._headers[number])):
                return values
            for places in elsewhere:
                here = [place for place in places if place.name == plain]
                if len(here) > 1:
                    return SEVERAL
                # A name with no text under it is passed over: `?apikey`, or a number in JSON.
                if here and here[0].keys:
                    return here[0].keys
        return ()

    def hide(self, request: Request) -> None:
        """Take out what may be a key under any of the names, wherever one is looked for."""
        request.headers = without(request.headers, self._every_header)
        if self._query is not None and request.query:
            query = self._query.without(request.query)
            if query != request.query:
                request.query = query or None
                request.retarget(b"%b?%b" % (request.path, query) if query else request.path)
        if self._bodies is not None:
            body = self._bodies.without(request.body, request.header(b"content-type"))
            if body != request.body:
                request.body = body
                request.headers = [_with_length(pair, len(body)) for pair in request.headers]


def _with_length(pair: tuple[bytes, bytes], length: int) -> tuple[bytes, bytes]:
    return (pair[0], b"%d" % length) if pair[0] == b"content-length" else pair


def _spellings(name: str) -> frozenset[bytes]:
    """Return the header names that stand for a name: an underscore is a hyphen there."""
    return frozenset(spellings(name.lower().encode()))


def _values(request: Request, names: frozenset[bytes]) -> list[bytes]:
    return [value for name, value in request.headers if name in names]
