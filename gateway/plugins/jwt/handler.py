# SPDX-License-Identifier: Apache-2.0
"""The access phase of ``jwt``: find the token, find whose key has signed it, pass or refuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from time import time
from typing import Any

import orjson

from gateway.http.generated_responses import JSON, json_response
from gateway.http.messages import Request, Response
from gateway.plugins.authentication import AuthenticationHandler, Denial, Found, challenge
from gateway.plugins.base import PluginContext
from gateway.plugins.consumers import Identity
from gateway.plugins.jwt.times import Times
from gateway.plugins.tokens import jose
from gateway.plugins.tokens.places import bearer, cookies, query_values
from gateway.plugins.tokens.verified import Verified, VerifiedTokens

_MISSING = object()


@dataclass(frozen=True, slots=True)
class ClaimsDenial(Denial):
    """A refusal whose body says what is wrong with which claim."""

    claims: tuple[tuple[str, str], ...] = ()


class JwtAuth(AuthenticationHandler):
    """Finds the token, and by it the consumer.

    Texts and their order are those of Kong (``kong/plugins/jwt/handler.lua`` of 3.10).
    """

    name = "jwt"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._header_names = tuple(name.lower().encode() for name in config.header_names)
        self._cookie_names = tuple(name.encode() for name in config.cookie_names)
        only = len(self._header_names) == 1 and not self._cookie_names
        self._only = self._header_names[0] if only else None
        """The header that has the token, where the query has none."""
        self._identities = context.consumers.credentials("jwt_secrets")
        self._keys: dict[bytes, Any] = {}
        self._times = Times(config.claims_to_verify or (), config.maximum_expiration)
        self._verified = VerifiedTokens()
        (ask,) = challenge("Bearer", config.realm)
        self._none = Denial("Unauthorized", "no token was shown", headers=(ask,), absent=True)
        separator = b" " if config.realm is None else b", "
        wrong = (ask[0], ask[1] + separator + b'error="invalid_token"')
        self._headers = (wrong,)

    def authenticate(self, request: Request) -> Found:
        """Return whose token it is."""
        if request.query is None and self._only is not None:
            value = request.header(self._only)
            if value is None:
                return self._none
            # A token that is known, shown as nearly all are; what follows would find the same.
            if value[:7] == b"Bearer ":
                found = self._verified.find(value[7:], time())
                if found is not None:
                    return found
            token = bearer(value) or self._none
        else:
            token = self._agreed(request)
        if isinstance(token, Denial):
            return token
        found = self._verified.find(token, time())
        return found if found is not None else self._look(token)

    def denied(self, request: Request, denial: Denial) -> Response:
        """Return the refusal as JSON, whatever the client accepts."""
        if isinstance(denial, ClaimsDenial):
            headers = [(b"Content-Type", JSON), *denial.headers]
            return Response(denial.status, headers, orjson.dumps(dict(denial.claims)))
        return json_response(denial.status, denial.message, denial.headers)

    def _agreed(self, request: Request) -> bytes | Denial:
        """Return the token that all places agree on."""
        found = set(self._tokens(request))
        if len(found) > 1:
            return self._denial("Multiple tokens provided", "different tokens were shown")
        if not found:
            return self._none
        token = found.pop()
        return token if isinstance(token, bytes) else self._denial("Unrecognizable token")

    def _tokens(self, request: Request) -> Iterator[bytes | bool]:
        for value in query_values(request, self.config.uri_param_names):
            if isinstance(value, bool):
                yield value
            elif value:
                yield value.encode()
        yield from cookies(request, self._cookie_names)
        for name in self._header_names:
            header = request.header(name)
            token = None if header is None else bearer(header)
            if token:
                yield token

    def _look(self, token: bytes) -> Found:
        """Return whose a token is that is not known yet, or not good for now."""
        jws = jose.parse(token)
        if isinstance(jws, str):
            return self._denial(f"Bad token; {jws}")
        identity = self._signer(jws)
        if type(identity) is not Identity:
            return identity
        begins, ends, wrong = self._times.of(jws.claims, time())
        if wrong:
            what = ", ".join(f"{name} {problem}" for name, problem in wrong)
            return ClaimsDenial("", what, headers=self._headers, claims=wrong)
        identity = identity._replace(claims=jws.claims)
        self._verified.put(token, Verified(identity, begins, ends))
        return identity

    def _signer(self, jws: jose.Jws) -> Found:
        """Return whose key has signed a token."""
        name = self.config.key_claim_name
        key = jws.claims.get(name)
        if key is None or key is False:
            key = jws.header.get(name)
        if key is None or key is False:
            return self._denial(f"No mandatory '{name}' in claims")
        if not isinstance(key, str) or not key:
            return self._denial(f"Invalid '{name}' in claims")
        number = key.encode()
        identity = self._identities.get(number)
        if identity is None or identity.credential is None:
            return self._denial(f"No credentials found for given '{name}'")
        if jws.algorithm != identity.credential["algorithm"]:
            return self._denial("Invalid algorithm")
        material = self._material(identity.credential)
        if not material:
            return self._denial("Invalid key/secret")
        # A key is made of its text when it is needed, and kept: a release may have many.
        imported = self._keys.get(number, _MISSING)
        if imported is _MISSING:
            imported = self._keys[number] = jose.import_key(jws.algorithm, material)
        if not jose.is_signed(jws, imported):
            return self._denial("Invalid signature")
        return identity

    def _material(self, credential: Any) -> bytes | None:
        if credential["algorithm"] not in jose.HS:
            return (credential.get("rsa_public_key") or "").encode()
        secret: bytes = (credential.get("secret") or "").encode()
        return jose.decoded(secret) if self.config.secret_is_base64 else secret

    def _denial(self, message: str, reason: str = "") -> Denial:
        return Denial(message, reason or message, headers=self._headers)
