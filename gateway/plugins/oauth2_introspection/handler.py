# SPDX-License-Identifier: Apache-2.0
"""The access phase of ``oauth2-introspection``: ask whose token it is, and say so."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable
from dataclasses import dataclass
from time import time
from typing import Any
from urllib.parse import quote_from_bytes

import orjson

from gateway.errors import OutgoingError
from gateway.http.generated_responses import JSON
from gateway.http.headers import IDENTITY, Headers, spellings
from gateway.http.messages import Request, Response
from gateway.logs import get_logger
from gateway.outgoing.breaker import Breaker
from gateway.outgoing.client import Fetch, Fetched, form
from gateway.outgoing.keeper import Keeper, Keeping, Loaded
from gateway.plugins.authentication import AuthenticationHandler, Denial, Found, without
from gateway.plugins.base import PluginContext
from gateway.plugins.consumers import Identity, header_value, virtual
from gateway.plugins.openid_connect.endpoints import LONGEST_QUESTION, MOST_QUESTIONS
from gateway.plugins.openid_connect.places import TokenPlaces, read_form
from gateway.plugins.tokens.claims import Claims, name_of, seconds, text
from gateway.plugins.tokens.verified import Verified, VerifiedTokens

_log = get_logger("gateway.openid")

_NEGATIVE = 5.0
_DAY = 86400.0
_CLAIMS = ("scope", "client_id", "token_type", "exp", "iat", "nbf", "sub", "aud", "iss", "jti")
_REALM = b'Bearer realm="service"'
_PLAIN = "".join(map(chr, range(0x21, 0x7F)))
"""What stays as it is of a path in a header."""
_MISSING = ("invalid_request", "The access token is missing")
_INVALID = ("invalid_token", "The access token is invalid or has expired")


@dataclass(frozen=True)
class BearerSettings:
    """Where tokens are: as RFC 6750 section 2 has it."""

    bearer_token_param_type: tuple[str, ...] = ("header", "query", "body")
    bearer_token_header_name: str | None = "authorization"  # noqa: S105  # the header's name
    bearer_token_cookie_name: str | None = None
    auth_methods: tuple[str, ...] = ()
    client_credentials_param_type: tuple[str, ...] = ()
    proof_of_possession_dpop: str = "off"


class OAuth2Introspection(AuthenticationHandler):
    """Asks once for each token and time to live; a server that is gone is left alone."""

    name = "oauth2-introspection"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._consumers = context.consumers
        self._http = context.http
        self._ca = context.trusted_ca
        self._places = TokenPlaces(BearerSettings())
        self._verified = VerifiedTokens()
        self._breaker = Breaker()
        keeping = Keeping(longest_pause=5.0, most=MOST_QUESTIONS)
        self._keeper = Keeper(self._load, keeping, name="a token's state")
        names = [*_CLAIMS, *config.custom_claims_forward]
        self._headers = [(_header(name), name) for name in names]
        self._own = frozenset(own for name, _ in self._headers for own in spellings(name))
        self.strips = IDENTITY | self._own
        self._missing = Denial(_MISSING[0], "no token was shown", headers=_challenge(), absent=True)
        self._inactive = Denial(
            _INVALID[0], "the server does not know the token", headers=_challenge(_INVALID)
        )
        self._gone = Denial(
            _INVALID[0], "the server does not respond", headers=_challenge(_INVALID)
        )

    def authenticate(self, request: Request) -> Found | Awaitable[Found]:
        """Return whose token it is, at once for one that is known."""
        token = self._places.bearer(request)
        if token is None:
            if request.body or request.stream is not None:
                return self._of_form(request)
            return self._missing
        found = self._verified.find(token, time())
        return self._asked(request, token) if found is None else self._ready(request, found)

    def hide(self, request: Request) -> None:
        """Take the token out of the request."""
        self._places.hide(request)

    def denied(self, request: Request, denial: Denial) -> Response:
        """Return the refusal in the form of RFC 6749 section 5.2."""
        error, description = _MISSING if denial.absent else _INVALID
        body = orjson.dumps({"error": error, "error_description": description})
        return Response(denial.status, [(b"Content-Type", JSON), *denial.headers], body)

    def _pass(self, request: Request) -> None:
        # Also of one who passes without a token: headers that only we set are never the caller's.
        request.headers = without(request.headers, self._own)
        super()._pass(request)

    async def _of_form(self, request: Request) -> Found:
        await read_form(request)
        token = self._places.bearer_in_form(request) if request.body else None
        return self._missing if token is None else await self._asked(request, token)

    async def _asked(self, request: Request, token: bytes) -> Found:
        if not 0 < len(token) <= LONGEST_QUESTION:
            return self._inactive
        try:
            claims = await self._keeper.get(self._fetch(request, token))
        except OutgoingError as error:
            _log.warning("the introspection endpoint does not respond", problem=str(error))
            return self._gone
        if not claims:
            return self._inactive
        identity = self._identity(claims, token)
        if not self.config.introspect_request:
            now = time()
            self._verified.put(token, Verified(identity, ends=now + self._ttl(claims, now)))
        return self._ready(request, identity)

    def _ready(self, request: Request, identity: Identity) -> Found:
        given = request.own_headers
        request.own_headers = given | self._own if given else self._own
        return identity

    def _identity(self, claims: Claims, token: bytes) -> Identity:
        by_name = self.config.consumer_by == "username"
        value = name_of(claims.get("username" if by_name else "client_id"))
        consumer = None
        if value is not None:
            consumer = self._consumers.find(value, "username" if by_name else "custom_id")
        named = (name_of(claims.get(name)) for name in ("username", "sub", "client_id", "jti"))
        shown = next((name for name in named if name), None) or hashlib.sha256(token).hexdigest()
        identity = virtual(shown, consumer, claims=claims)
        headers: Headers = []
        for name, claim in self._headers:
            found = text(claims.get(claim))
            if found is not None:
                headers.append((name, header_value(found)))
        return identity._replace(headers=[*identity.headers, *headers])

    def _fetch(self, request: Request, token: bytes) -> Fetch:
        config = self.config
        fields = [("token", token.decode("latin-1"))]
        if config.token_type_hint:
            fields.append(("token_type_hint", config.token_type_hint))
        headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Accept", "application/json"),
            ("Authorization", config.authorization_value),
            *config.custom_introspection_headers.items(),
        ]
        if config.introspect_request:
            headers.append(("X-Request-Path", quote_from_bytes(request.path, _PLAIN)))
            headers.append(("X-Request-Http-Method", request.method.decode("latin-1")))
        if config.keepalive == 0:
            headers.append(("Connection", "close"))
        return Fetch(
            config.introspection_url,
            "POST",
            tuple(headers),
            form(tuple(fields)),
            config.timeout / 1000,
            ca=self._ca,
        )

    async def _load(self, request: Fetch) -> Loaded[Claims]:
        claims = await self._breaker.ask(
            lambda: self._http.fetch(request), lambda response: _read(response, time())
        )
        return Loaded(claims, self._ttl(claims, time()) if claims else _NEGATIVE)

    def _ttl(self, claims: Claims, now: float) -> float:
        end = seconds(claims.get("exp"))
        kept = self.config.ttl or _DAY
        return float(kept if end is None else min(kept, end - now))


def _read(response: Fetched, now: float) -> Claims:
    """Return what is said of a token; nothing of one that is not active."""
    found = response.json_object()
    end = seconds(found.get("exp"))
    if found.get("active") is not True or (end is not None and end <= now):
        return {}
    return found


def _header(claim: str) -> bytes:
    return b"x-credential-" + claim.lower().replace("_", "-").encode()


def _challenge(error: tuple[str, str] | None = None) -> tuple[tuple[bytes, bytes], ...]:
    value = _REALM
    if error is not None:
        value += f' error="{error[0]}" error_description="{error[1]}"'.encode()
    return ((b"WWW-Authenticate", value),)
