# SPDX-License-Identifier: Apache-2.0
"""The access phase of ``openid-connect``: whose token it is, by signature or by asking for it."""

from __future__ import annotations

from collections.abc import Awaitable
from time import time
from typing import Any

from gateway.errors import OutgoingError
from gateway.http.headers import IDENTITY
from gateway.http.messages import Request, Response
from gateway.logs import get_logger
from gateway.outgoing.proxies import ForwardProxy
from gateway.plugins.authentication import AuthenticationHandler, Denial, Found, without
from gateway.plugins.base import AccessResult, PluginContext
from gateway.plugins.consumers import Identity, header_value
from gateway.plugins.openid_connect.clients import Clients
from gateway.plugins.openid_connect.endpoints import LONGEST_QUESTION, Endpoints
from gateway.plugins.openid_connect.fields import SERVED
from gateway.plugins.openid_connect.identities import Identities
from gateway.plugins.openid_connect.places import ClientCredentials, TokenPlaces, read_form
from gateway.plugins.openid_connect.possession import Possession
from gateway.plugins.openid_connect.provider import (
    Discovered,
    OpenIdProvider,
    ProviderSettings,
    Reaching,
)
from gateway.plugins.openid_connect.refusals import Refusals
from gateway.plugins.openid_connect.rules import Rules
from gateway.plugins.tokens import jose
from gateway.plugins.tokens.claims import Claims, text
from gateway.plugins.tokens.verified import Verified, VerifiedTokens

_log = get_logger("gateway.openid")

_DAY = 86400.0
_GLANCE = 1.0
"""Seconds after which known tokens are compared with the provider's keys again."""
_AUTHORIZATION = frozenset((b"authorization",))
_EMPTY = Discovered("", {}, None)  # type: ignore[arg-type]  # only its document is looked at


class OpenIdConnect(AuthenticationHandler):
    """Raises ``ReleaseRefused`` where a certificate or the anonymous consumer is missing."""

    name = "openid-connect"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._refusals = Refusals(config)
        self._places = TokenPlaces(config)
        self._rules = Rules(config)
        self._identities = Identities(config, context.consumers, self._refusals)
        self._possession = Possession(config)
        clients = Clients(config, context.certificate)
        self._clients = clients
        settings = _settings(config, context.trusted_ca)
        self._provider = OpenIdProvider.of(settings, context.http)
        self._endpoints = Endpoints(config, settings.reaching, clients, context.http)
        self._keys: object = None
        self._look_at = 0.0
        self._verified = VerifiedTokens()
        self._methods = frozenset(config.auth_methods) & SERVED
        names = config.downstream_headers_names or ()
        self._downstream = list(zip(names, config.downstream_headers_claims or (), strict=False))
        self._own = self._identities.claim_headers | self._identities.token_headers
        if config.proof_of_possession_dpop != "off":
            self._own |= {b"dpop"}
        self._takes_tokens = bool(self._methods & {"bearer", "introspection"})
        self.strips = IDENTITY | self._own if self._own else IDENTITY
        plain = not (self._possession.is_checked or self._downstream)
        first = self._places.header_names[:1] == (b"authorization",)
        self._is_usual = first and plain and self._takes_tokens
        """The token of a usual request is in its Authorization, and found there first."""
        self._judges = "bearer" in self._methods and not config.introspect_jwt_tokens
        stays = self._is_usual and self._own == _AUTHORIZATION and self._identities.sets_bearer
        always = self._anonymous is None and self._on_preflight and not self._hides
        self._stays = stays and always
        """The Authorization that a usual request shows is what the upstream is to get."""

    def access(self, request: Request) -> AccessResult:
        """Let pass at once who shows a known token just as the upstream is to get it."""
        if self._stays:
            found = self._as_shown(request)
            if found is not None:
                given = request.own_headers
                request.own_headers = given | _AUTHORIZATION if given else _AUTHORIZATION
                found.put_on(request)
                return None
        return super().access(request)

    def _as_shown(self, request: Request) -> Identity | None:
        """Return whose the known token is in the only Authorization; all else is looked at long."""
        shown = b""
        for name, value in request.headers:
            if name == b"authorization":
                if shown:
                    return None
                shown = value
        if shown[:7] != b"Bearer ":
            return None
        now = time()
        return self._verified.find_as_shown(shown[7:], now) if now < self._look_at else None

    def authenticate(self, request: Request) -> Found | Awaitable[Found]:
        """Return whose token it is, at once for one that is known."""
        if self._is_usual:
            value = request.header(b"authorization")
            if value is not None and value[:7] == b"Bearer ":
                now = time()
                found = self._verified.find(value[7:], now)
                # What follows would find the same, and has nothing else to look at.
                if found is not None and now < self._look_at:
                    if self._own:
                        given = request.own_headers
                        request.own_headers = given | self._own if given else self._own
                    return found
        token = self._places.bearer(request) if self._takes_tokens else None
        if token is not None:
            return self._of_bearer(request, token)
        shown = self._places.credentials(request)
        if shown is not None:
            return self._of_credentials(request, shown)
        if self._places.reads_forms and (request.body or request.stream is not None):
            return self._of_form(request)
        return self._refusals.nothing

    def _pass(self, request: Request) -> None:
        # Also of one who passes without a token: headers that only we set are never the caller's.
        if self._identities.claim_headers:
            request.headers = without(request.headers, self._identities.claim_headers)
        super()._pass(request)

    def hide(self, request: Request) -> None:
        """Take tokens and secrets out of the request."""
        self._places.hide(request)

    def denied(self, request: Request, denial: Denial) -> Response:
        """Return the refusal as JSON, or as a redirect."""
        return self._refusals.response(denial)

    async def _of_form(self, request: Request) -> Found:
        await read_form(request)
        if not request.body:
            return self._refusals.nothing
        token = self._places.bearer_in_form(request) if self._takes_tokens else None
        if token is not None:
            found = self._of_bearer(request, token)
            return await found if isinstance(found, Awaitable) else found
        shown = self._places.credentials_in_form(request)
        return (
            self._refusals.nothing if shown is None else await self._of_credentials(request, shown)
        )

    def _of_bearer(self, request: Request, token: bytes) -> Found | Awaitable[Found]:
        if not token:
            return self._refusals.unauthorized("what is shown is no token")
        now = time()
        if now >= self._look_at:
            self._look_at = now + _GLANCE
            known = self._provider.current()
            if known is not None:
                self._notice(known)
        found = self._verified.find(token, now)
        if found is not None:
            return self._ready(request, found, token)
        known = self._provider.current()
        jws = jose.parse(token)
        # Signatures are checked right here, unless somebody must be asked.
        if known is None or isinstance(jws, str) or not self._judges:
            return self._looked_up(request, token, jws)
        if self._signed(jws, known):
            return self._judge(request, jws.claims, token, known)
        return self._looked_up(request, token, jws)

    async def _looked_up(self, request: Request, token: bytes, jws: jose.Jws | str) -> Found:
        """Find out what a token is that the keys at hand have not signed."""
        try:
            known = await self._provider.get() if self._needs_provider(jws) else _EMPTY
            claims: Claims = {}
            if isinstance(jws, jose.Jws) and "bearer" in self._methods:
                known, signed = await self._signed_at_last(jws, known)
                self._notice(known)
                if signed and self._judges:
                    return self._judge(request, jws.claims, token, known)
                if not signed and self._candidates(jws, known):
                    return self._refusals.unauthorized("the signature is wrong")
                claims = jws.claims if signed else {}
            return await self._introspected(request, token, known, claims)
        except OutgoingError as error:
            return self._unreachable(error)

    async def _signed_at_last(self, jws: jose.Jws, known: Discovered) -> tuple[Discovered, bool]:
        """Tell whether a token is signed, by a key that the provider has only now if need be.

        Also where a key of that id is known: providers renew a key under its id, or name none.
        """
        if self._signed(jws, known):
            return known, True
        if jws.algorithm in jose.HS:
            return known, False
        renewed = await self._provider.renewed()
        return renewed, renewed.keys is not known.keys and self._signed(jws, renewed)

    def _notice(self, known: Discovered) -> None:
        """Where keys have changed, look anew at what the old ones have verified."""
        if known.keys is not self._keys:
            self._keys = known.keys
            self._verified.clear()

    def _needs_provider(self, jws: jose.Jws | str) -> bool:
        asks = isinstance(jws, jose.Jws) and "bearer" in self._methods
        return asks or not self.config.introspection_endpoint

    async def _introspected(
        self, request: Request, token: bytes, known: Discovered, signed: Claims
    ) -> Found:
        """Return whose a token is by the provider's word; ``signed``: what it says itself."""
        if "introspection" not in self._methods and not self.config.introspect_jwt_tokens:
            return self._refusals.unauthorized("no key of the provider has signed the token")
        if len(token) > LONGEST_QUESTION:
            return self._refusals.unauthorized("the token is too long to ask about it")
        client = self._clients.choose(request)
        url = self._endpoints.introspection_url(known.document, client)
        if not url or (client is None and not self.config.introspection_endpoint):
            return self._refusals.unauthorized("no key of the provider has signed the token")
        answer = await self._endpoints.introspect(request, token, url, client)
        if answer.claims is None:
            return self._refusals.unauthorized("the provider says that the token is not active")
        claims = {**signed, **answer.claims}
        named = claims.get("iss") is not None and known is not _EMPTY
        if named and not self._rules.is_issuer(claims, known.issuer):
            return self._refusals.unauthorized("the token is of another issuer")
        kept = self.config.cache_introspection and not self._endpoints.varies
        ends = answer.ends if kept else 0.0
        return self._concluded(request, claims, token, ends, answer.claims)

    async def _of_credentials(self, request: Request, shown: ClientCredentials) -> Found:
        """Fetch a token for a caller, and go on as if it had shown that."""
        if len(shown.id) + len(shown.secret) > LONGEST_QUESTION:
            return self._refusals.unauthorized("id and secret are too long to ask about them")
        try:
            url = self._endpoints.token_url({})
            if not url:
                url = self._endpoints.token_url((await self._provider.get()).document)
            if not url:
                return self._refusals.unauthorized("the provider has no token endpoint")
            answer = await self._endpoints.grant(request, shown, url)
            if answer.claims is None:
                return self._refusals.unauthorized("the provider refuses the client")
            jws = jose.parse(answer.token)
            if isinstance(jws, str) and not self._can_introspect():
                # Of no form that is known, but just handed out: it says only whose it is.
                claims = {"client_id": shown.id, "scope": answer.claims.get("scope")}
                return self._concluded(request, claims, answer.token, 0.0)
            if isinstance(jws, jose.Jws) and "client_credentials" in self.config.ignore_signature:
                return self._concluded(request, jws.claims, answer.token, 0.0)
            return await self._of_granted(request, answer.token, jws)
        except OutgoingError as error:
            return self._unreachable(error)

    async def _of_granted(self, request: Request, token: bytes, jws: jose.Jws | str) -> Found:
        if isinstance(jws, str):
            return await self._looked_up(request, token, jws)
        known, signed = await self._signed_at_last(jws, await self._provider.get())
        if not signed:
            return self._refusals.unauthorized("no key of the provider has signed the token")
        if not self._rules.is_issuer(jws.claims, known.issuer):
            return self._refusals.unauthorized("the token is of another issuer")
        return self._concluded(request, jws.claims, token, 0.0)

    def _can_introspect(self) -> bool:
        return "introspection" in self._methods and bool(self._clients.all)

    def _candidates(self, jws: jose.Jws, known: Discovered) -> list[Any]:
        kid = jws.header.get("kid")
        if jws.algorithm in jose.HS:
            return []
        return known.keys.candidates(kid if isinstance(kid, str) else None, jws.algorithm)

    def _signed(self, jws: jose.Jws, known: Discovered) -> bool:
        if not self.config.verify_signature:
            return True
        if jws.algorithm in jose.HS:
            return self.config.enable_hs_signatures and any(
                jose.is_signed(jws, jose.import_key(jws.algorithm, client.secret.encode()))
                for client in self._clients.all
                if client.secret
            )
        return any(jose.is_signed(jws, key) for key in self._candidates(jws, known))

    def _judge(self, request: Request, claims: Claims, token: bytes, known: Discovered) -> Found:
        """Return whose a signed token is."""
        if not self._rules.is_issuer(claims, known.issuer):
            return self._refusals.unauthorized("the token is of another issuer")
        return self._concluded(request, claims, token, None)

    def _concluded(
        self,
        request: Request,
        claims: Claims,
        token: bytes,
        kept: float | None,
        introspected: Claims | None = None,
    ) -> Found:
        """Return whose verified claims are; ``kept``: until when, None for the token's own end."""
        span = self._rules.span(claims, time(), must_end=kept is None)
        if span.problem:
            return self._refusals.unauthorized(span.problem)
        refusal = self._rules.refusal(claims)
        if refusal is not None:
            return self._refusals.forbidden(refusal[0], scope=refusal[1])
        found = self._identities.of(claims, token, introspected)
        if type(found) is not Identity:
            assert isinstance(found, Denial)
            return found
        ends = span.ends if kept is None else min(span.ends, kept)
        if ends > time():
            self._verified.put(token, Verified(found, span.begins, ends, self._kept(found)))
        return self._ready(request, found, token)

    def _kept(self, found: Identity) -> Identity | None:
        """Return who it is without the header that stays."""
        if not self._stays:
            return None
        return found._replace(headers=without(found.headers, _AUTHORIZATION))

    def _ready(self, request: Request, found: Identity, token: bytes) -> Found:
        """Return an identity for this request, if the caller may show its token."""
        if self._possession.is_checked:
            problem = self._possession.problem(request, found.claims or {}, token)
            if problem:
                return self._refusals.unauthorized(problem)
        if self._own:
            given = request.own_headers
            request.own_headers = given | self._own if given else self._own
        for name, claim in self._downstream:
            value = text((found.claims or {}).get(claim))
            if value is not None:
                line = b"\r\n%b: %b" % (name.encode(), header_value(value))
                request.response_lines += line
        return found

    def _unreachable(self, error: OutgoingError) -> Denial:
        _log.warning("the provider does not respond", issuer=self.config.issuer, problem=str(error))
        return self._refusals.unauthorized("the provider does not respond")


def _settings(config: Any, ca: str | None) -> ProviderSettings:
    reaching = Reaching(
        config.ssl_verify,
        ca,
        config.timeout / 1000,
        ForwardProxy(config.http_proxy, config.http_proxy_authorization),
        ForwardProxy(config.https_proxy, config.https_proxy_authorization),
        config.no_proxy,
        config.http_version == 1.0,
        config.keepalive,
    )
    names = config.discovery_headers_names or ()
    return ProviderSettings(
        config.issuer,
        not config.using_pseudo_issuer,
        config.jwks_endpoint,
        tuple(config.extra_jwks_uris or ()),
        tuple(zip(names, config.discovery_headers_values or (), strict=False)),
        reaching,
        config.cache_ttl or _DAY,
        _DAY if config.cache_ttl_resurrect is None else config.cache_ttl_resurrect,
        config.rediscovery_lifetime,
    )
