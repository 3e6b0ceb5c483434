# SPDX-License-Identifier: Apache-2.0
"""Where callers show tokens and client credentials, and taking them out of there."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from gateway.http import arguments, changes
from gateway.http.messages import Request
from gateway.names.header_texts import has_control
from gateway.plugins.key_auth.bodies import Bodies
from gateway.plugins.key_auth.places import Arguments
from gateway.plugins.tokens.places import cookies, is_token

_NAME = "access_token"
_SECRET = "client_secret"  # noqa: S105  # the field's name
_HEADERS = (b"authorization", b"access-token", b"x-access-token")
_SCHEME = re.compile(rb"\s*(bearer|dpop)\s+(\S.*)", re.IGNORECASE | re.DOTALL)
"""DPoP: RFC 9449 section 7.1; only where proofs are checked."""
_TOKEN = re.compile(rb"\s*(?:bearer|dpop)(?:\s|$)", re.IGNORECASE)
"""What may hold one, also where it is written wrong."""
_BASIC = re.compile(rb"\s*basic\s+(\S+)\s*", re.IGNORECASE)
_LARGEST = 64 * 1024
"""Bytes of a form that is read for a token."""
_FORMS = (b"application/x-www-form-urlencoded", b"application/json")


class ClientCredentials(NamedTuple):
    """A client's id and secret, as a caller shows them."""

    id: str
    secret: str


class TokenPlaces:
    """The places of one configuration; the first that has something decides.

    Also where that can be no token, for which an empty one stands: who shows it is not
    authenticated by what is in another place.
    """

    def __init__(self, config: Any) -> None:
        places = config.bearer_token_param_type
        named = config.bearer_token_header_name
        self.header_names: tuple[bytes, ...] = ()
        if "header" in places:
            self.header_names = _HEADERS if named is None else (named.lower().encode(),)
        self._query = Arguments([_NAME]) if "query" in places else None
        cookie = config.bearer_token_cookie_name if "cookie" in places else None
        self._cookies = () if not cookie else (cookie.encode(),)
        grants = "client_credentials" in config.auth_methods
        self._secrets = frozenset(config.client_credentials_param_type if grants else ())
        self._bodies = Bodies([_NAME]) if "body" in places else None
        hidden = [_NAME] if "body" in places else []
        if "body" in self._secrets:
            hidden.append(_SECRET)
        self._hidden_fields = Bodies(hidden) if hidden else None
        self._proofs = config.proof_of_possession_dpop != "off"
        self._looked_at = {b"authorization", *self.header_names}
        if self._proofs:
            self._looked_at.add(b"dpop")
        self._secret_names = Arguments([_SECRET])
        self.reads_forms = self._bodies is not None or "body" in self._secrets
        """Whether a form is looked through, where the head has nothing."""

    def bearer(self, request: Request) -> bytes | None:
        """Return the token in head or query; None where nothing is shown."""
        for name in self.header_names:
            value = request.header(name)
            if value is None:
                continue
            token = self._token(value, bare=name != b"authorization")
            if token:
                return _possible(token)
        if self._query is not None and request.query:
            found = arguments.first(request.query, _NAME.encode())
            if found:
                return _possible(found)
        return next(map(_possible, cookies(request, self._cookies)), None)

    def bearer_in_form(self, request: Request) -> bytes | None:
        """Return the token in a form or a JSON object, whose bytes are there."""
        if self._bodies is None:
            return None
        for place in self._bodies.places(request.body, request.header(b"content-type")):
            if len(place.keys) > 1:
                return b""  # a list or an object
            if any(place.keys):
                return _possible(place.keys[0])
        return None

    def credentials(self, request: Request) -> ClientCredentials | None:
        """Return a client's id and secret in the head or the query."""
        if "header" in self._secrets:
            found = _basic(request.header(b"authorization") or b"")
            if found is not None:
                return found
        return _pair(request.query) if "query" in self._secrets and request.query else None

    def credentials_in_form(self, request: Request) -> ClientCredentials | None:
        """Return a client's id and secret in a form whose bytes are there."""
        kind = request.header(b"content-type") or b""
        if "body" not in self._secrets or not kind.lower().startswith(_FORMS[0]):
            return None
        return _pair(request.body)

    def hide(self, request: Request) -> None:
        """Take tokens and secrets out of all places where they are looked for."""
        looked_at = self._looked_at
        request.headers = [
            pair
            for pair in request.headers
            if pair[0] not in looked_at or not self._is_proof(*pair)
        ]
        if request.query:
            query = request.query
            for names in self._hidden_arguments():
                query = names.without(query)
            if query != request.query:
                changes.set_query(request, query)
        if self._cookies:
            request.headers = list(_without_cookies(request, self._cookies[0]))
        if self._hidden_fields is not None and request.body:
            body = self._hidden_fields.without(request.body, request.header(b"content-type"))
            if body != request.body:
                changes.set_body(request, body)

    def _token(self, value: bytes, *, bare: bool) -> bytes | None:
        if value.startswith(b"Bearer ") and b" " not in (token := value[7:]):
            return token
        match = _SCHEME.fullmatch(value)
        if match is not None:
            taken = self._proofs or match[1].lower() == b"bearer"
            return match[2].rstrip() if taken else None
        return value.strip() if bare else None

    def _is_proof(self, name: bytes, value: bytes) -> bool:
        if name != b"authorization":
            return True
        if name in self.header_names and _TOKEN.match(value):
            return True
        return "header" in self._secrets and _BASIC.match(value) is not None

    def _hidden_arguments(self) -> Iterator[Arguments]:
        if self._query is not None:
            yield self._query
        if "query" in self._secrets:
            yield self._secret_names


async def read_form(request: Request) -> None:
    """Read a small form that is still to come, so that a token in it is found.

    All other bodies stay where they are: they may be of any size, and are streamed.
    """
    if request.stream is None:
        return
    kind = (request.header(b"content-type") or b"").strip().lower()
    length = request.header(b"content-length") or b""
    if not kind.startswith(_FORMS) or not length.isdigit() or int(length) > _LARGEST:
        return
    body = b"".join([piece async for piece in request.stream])
    request.body, request.stream = body, None


def _possible(token: bytes) -> bytes:
    """Return what is shown as a token, empty for what can be none."""
    return token if is_token(token) else b""


def _basic(value: bytes) -> ClientCredentials | None:
    match = _BASIC.fullmatch(value)
    if match is None:
        return None
    try:
        text = base64.b64decode(match[1], validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    name, colon, secret = text.partition(":")
    # RFC 6749 section 2.3.1: both are form-encoded.
    return _client(unquote_plus(name), unquote_plus(secret)) if colon and name else None


def _pair(encoded: bytes) -> ClientCredentials | None:
    name = arguments.first(encoded, b"client_id")
    secret = arguments.first(encoded, b"client_secret")
    if not name or not secret:
        return None
    return _client(name.decode("utf-8", "replace"), secret.decode("utf-8", "replace"))


def _client(name: str, secret: str) -> ClientCredentials | None:
    """Return a client; None for what cannot be one: RFC 6749 appendices A.1 and A.2."""
    return None if has_control(name + secret) else ClientCredentials(name, secret)


def _without_cookies(request: Request, hidden: bytes) -> Iterator[tuple[bytes, bytes]]:
    for name, value in request.headers:
        if name != b"cookie":
            yield name, value
            continue
        kept = [pair for pair in value.split(b";") if pair.partition(b"=")[0].strip() != hidden]
        if kept:
            yield name, b";".join(kept).strip()
