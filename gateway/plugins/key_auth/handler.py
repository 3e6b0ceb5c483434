# SPDX-License-Identifier: Apache-2.0
"""The access phase of ``key-auth``: find the key, find its consumer, let pass or refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.errors import ReleaseRefused
from gateway.http.generated_responses import error_response
from gateway.http.headers import spellings
from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.key_auth.bodies import Bodies
from gateway.plugins.key_auth.places import SEVERAL, Arguments, Place

_NO_KEY = "No API key found in request"
_TWO_KEYS = "Duplicate API key found"
_UNKNOWN = "Unauthorized"


class KeyAuth(Handler):
    """Raises ``ReleaseRefused`` when the anonymous consumer is not there."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self.needs_body = config.key_in_body
        self._headers = tuple(map(_spellings, config.key_names)) if config.key_in_header else ()
        self._every_header = frozenset().union(*self._headers)
        self._query = Arguments(config.key_names) if config.key_in_query else None
        self._bodies = Bodies(config.key_names) if config.key_in_body else None
        self._elsewhere = config.key_in_query or config.key_in_body
        self._by_key = context.consumers.by_key
        realm = config.realm
        challenge = "Key" if realm is None else 'Key realm="{}"'.format(realm.replace('"', "'"))
        self._challenge = [(b"WWW-Authenticate", challenge.encode())]
        self._anonymous = None
        if config.anonymous is not None:
            self._anonymous = context.consumers.anonymous(config.anonymous)
            if self._anonymous is None:
                raise ReleaseRefused([f"key-auth: there is no consumer {config.anonymous!r}"])

    def access(self, request: Request) -> Response | None:
        """Let a consumer's request pass, with headers that say whose it is; refuse others."""
        if request.method == b"OPTIONS" and not self.config.run_on_preflight:
            self._hide(request)
            return None
        if self._anonymous is not None and request.credential is not None:
            # Another plugin knows the consumer: one of them is enough.
            self._hide(request)
            return None
        keys = self._keys(request)
        identity = self._by_key(keys[0]) if len(keys) == 1 and keys[0] else None
        if identity is None:
            identity = self._anonymous
            if identity is None:
                return error_response(401, _problem(keys), request, self._challenge)
        # Also on the way of the anonymous: a key that is refused here may be good elsewhere.
        self._hide(request)
        identity.put_on(request)
        return None

    def _keys(self, request: Request) -> Sequence[bytes]:
        """Return the values under the first name that has any: one is as it should be."""
        if len(self._headers) == 1 or not self._elsewhere:
            for names in self._headers:
                if found := _values(request, names):
                    return found
            if not self._elsewhere:
                return ()
        return self._keys_anywhere(request)

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

    def _hide(self, request: Request) -> None:
        """Take out what may be a key under any of the names, wherever one is looked for."""
        if not self.config.hide_credentials:
            return
        hidden = self._every_header
        request.headers = [pair for pair in request.headers if pair[0] not in hidden]
        if self._query is not None and request.query:
            query = self._query.without(request.query)
            if query != request.query:
                request.query = query or None
                request.target = b"%b?%b" % (request.path, query) if query else request.path
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


def _problem(keys: Sequence[bytes]) -> str:
    if len(keys) > 1:
        return _TWO_KEYS
    return _UNKNOWN if keys and keys[0] else _NO_KEY
