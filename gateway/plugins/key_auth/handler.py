# SPDX-License-Identifier: Apache-2.0
"""The access phase of ``key-auth``: find the key, find its consumer, let pass or refuse."""

from __future__ import annotations

from typing import Any

from gateway.errors import ReleaseRefused
from gateway.http.answers import answer
from gateway.http.messages import Request, Response
from gateway.kafka import arguments
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.key_auth import bodies

_NO_KEY = "No API key found in request"
_TWO_KEYS = "Duplicate API key found"
_UNKNOWN = "Unauthorized"


class KeyAuth(Handler):
    """Raises ``ReleaseRefused`` when the anonymous consumer is not there."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self.needs_body = config.key_in_body
        self._names: frozenset[str] = frozenset(config.key_names)
        self._headers = _header_names(config.key_names) if config.key_in_header else ()
        self._elsewhere = config.key_in_query or config.key_in_body
        self._every_header = frozenset(name for names in self._headers for name in names)
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
            return None
        if self._anonymous is not None and request.credential is not None:
            # Another plugin knows the consumer: one of them is enough.
            return None
        keys = self._keys(request)
        if len(keys) != 1 or not keys[0]:
            return self._without(request, _TWO_KEYS if len(keys) > 1 else _NO_KEY)
        identity = self._by_key(keys[0])
        if identity is None:
            return self._without(request, _UNKNOWN)
        if self.config.hide_credentials:
            self._hide(request)
        identity.put_on(request)
        return None

    def _without(self, request: Request, problem: str) -> Response | None:
        """Let a request pass as nobody's, or refuse it."""
        if self._anonymous is None:
            return answer(401, problem, request, self._challenge)
        self._anonymous.put_on(request)
        return None

    def _keys(self, request: Request) -> list[bytes]:
        """Return the values under the first name that has any: one is as it should be."""
        if len(self._headers) == 1 or not self._elsewhere:
            for names in self._headers:
                if found := _values(request, names):
                    return found
            if not self._elsewhere:
                return []
        return self._keys_anywhere(request)

    def _keys_anywhere(self, request: Request) -> list[bytes]:
        config = self.config
        query = arguments.parse(request.query) if config.key_in_query else {}
        body: dict[str, Any] = {}
        if config.key_in_body:
            body = bodies.fields(request.body, request.header(b"content-type"))
        for place, plain in enumerate(config.key_names):
            if self._headers and (found := _values(request, self._headers[place])):
                return found
            for value in (query.get(plain), body.get(plain)):
                if isinstance(value, str | list):
                    return _texts(value)
        return []

    def _hide(self, request: Request) -> None:
        """Take out what may be a key under any of the names, wherever one is looked for."""
        hidden = self._every_header
        request.headers = [pair for pair in request.headers if pair[0] not in hidden]
        if self.config.key_in_query and request.query is not None:
            query = bodies.without_arguments(self._names, request.query)
            if query != request.query:
                request.query = query or None
                request.target = b"%b?%b" % (request.path, query) if query else request.path
        if self.config.key_in_body:
            content_type = request.header(b"content-type")
            request.body = bodies.without(self._names, request.body, content_type)


def _header_names(names: list[str]) -> tuple[tuple[bytes, ...], ...]:
    """Return the header names that stand for each name: an underscore is a hyphen there."""
    lower = [name.lower().encode() for name in names]
    return tuple(tuple({name, name.replace(b"_", b"-")}) for name in lower)


def _values(request: Request, names: tuple[bytes, ...]) -> list[bytes]:
    return [value for name, value in request.headers if name in names]


def _texts(value: str | list[Any]) -> list[bytes]:
    values = value if isinstance(value, list) else [value]
    # JSON may hold half a surrogate pair, which is nobody's key.
    return [one.encode(errors="replace") if isinstance(one, str) else b"" for one in values]
