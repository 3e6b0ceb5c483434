# SPDX-License-Identifier: Apache-2.0
"""Asking the provider about a token (RFC 7662), and for a token by a caller's credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import time
from typing import Any, NamedTuple

from gateway.http import arguments
from gateway.http.messages import Request
from gateway.outgoing.breaker import Breaker
from gateway.outgoing.client import Fetch, Fetched, HttpClient, Pairs, form
from gateway.outgoing.keeper import Keeper, Keeping, Loaded
from gateway.plugins.openid_connect.clients import Clients, OpenIdClient
from gateway.plugins.openid_connect.places import ClientCredentials
from gateway.plugins.openid_connect.provider import Reaching
from gateway.plugins.tokens.claims import seconds
from gateway.plugins.tokens.places import is_token

_FORM = ("Content-Type", "application/x-www-form-urlencoded")
_NEGATIVE = 5.0
"""Seconds that a refusal is kept."""
MOST_QUESTIONS = 2000
LONGEST_QUESTION = 16 * 1024
"""Bytes of a token, or of a client's id and secret, that the provider is asked about."""
_REFUSALS = (400, 401, 403)
"""What a token endpoint says to wrong credentials (RFC 6749 section 5.2)."""


@dataclass(frozen=True)
class Question:
    """What is asked, but for the client's own proof, which may differ each time."""

    url: str
    headers: Pairs
    form: Pairs
    client: OpenIdClient | None
    method: str | None = None

    def __repr__(self) -> str:
        """Show nothing that is secret."""
        return f"Question({self.url})"


class ProviderAnswer(NamedTuple):
    """What the provider says; ``claims`` None: no. ``ends``: seconds since 1970."""

    claims: Mapping[str, Any] | None
    ends: float = 0.0
    token: bytes = b""


class Asking:
    """Asks one endpoint: equal questions once, with bounded memory, and not while it is gone."""

    def __init__(
        self,
        config: Any,
        reaching: Reaching,
        clients: Clients,
        http: HttpClient,
        read: Callable[[Fetched, float], ProviderAnswer],
        keeps: bool,
    ) -> None:
        self._config = config
        self._reaching = reaching
        self._clients = clients
        self._http = http
        self._read = read
        self._keeps = keeps
        self._breaker = Breaker()
        keeping = Keeping(longest_pause=5.0, most=MOST_QUESTIONS)
        self._keeper = Keeper(self._load, keeping, name="a token's state")

    async def ask(self, question: Question) -> ProviderAnswer:
        """Return the answer; raises ``OutgoingError`` where there is none."""
        return await self._keeper.get(question)

    async def _load(self, question: Question) -> Loaded[ProviderAnswer]:
        answer = await self._breaker.ask(
            lambda: self._http.fetch(self._request(question)),
            lambda response: self._read(response, time()),
        )
        if answer.claims is None:
            negative = self._config.cache_ttl_neg
            return Loaded(answer, _NEGATIVE if negative is None else negative)
        return Loaded(answer, answer.ends - time() if self._keeps else 0)

    def _request(self, question: Question) -> Fetch:
        fetch = self._reaching.fetch(
            question.url, "POST", (_FORM, *question.headers), form(question.form)
        )
        if question.client is None:
            return fetch
        clients = self._clients
        proof = question.client.proof(question.url, question.method, clients.certificate)
        verify = fetch.verify if proof.certificate is None else clients.verifies
        return replace(
            fetch,
            headers=(*fetch.headers, *proof.headers),
            body=form((*question.form, *proof.form)),
            certificate=proof.certificate,
            verify=verify,
        )


class Endpoints:
    """The introspection and the token endpoint of one configuration."""

    def __init__(self, config: Any, reaching: Reaching, clients: Clients, http: HttpClient) -> None:
        self._config = config
        self._clients = clients
        common = config, reaching, clients, http
        self._introspection = Asking(*common, self._introspected, config.cache_introspection)
        self._tokens = Asking(*common, self._granted, config.cache_tokens)
        self.varies = bool(
            config.introspection_post_args_client
            or config.introspection_post_args_client_headers
            or config.introspection_headers_client
            or len(clients.all) > 1
        )
        """Whether an answer depends on more than the token."""

    def introspection_url(self, document: Mapping[str, Any], client: OpenIdClient | None) -> str:
        """Return where tokens are shown; empty where there is no such place."""
        config = self._config
        if _shows_certificate(client, config.introspection_endpoint_auth_method):
            found = config.mtls_introspection_endpoint or _alias(document, "introspection_endpoint")
            if found:
                return str(found)
        found = config.introspection_endpoint or document.get("introspection_endpoint")
        return found if isinstance(found, str) else ""

    def token_url(self, document: Mapping[str, Any]) -> str:
        """Return where tokens are fetched; empty where there is no such place."""
        found = self._config.token_endpoint or document.get("token_endpoint")
        return found if isinstance(found, str) else ""

    async def introspect(
        self, request: Request, token: bytes, url: str, client: OpenIdClient | None
    ) -> ProviderAnswer:
        """Ask about a token; raises ``OutgoingError``."""
        config = self._config
        fields = [(config.introspection_token_param_name, token.decode("latin-1"))]
        if config.introspection_hint:
            fields.append(("token_type_hint", config.introspection_hint))
        names = config.introspection_post_args_names
        fields += _pairs(names, config.introspection_post_args_values)
        fields += _of_query(request, config.introspection_post_args_client)
        fields += _of_head(request, config.introspection_post_args_client_headers)
        headers = [("Accept", config.introspection_accept)]
        headers += _pairs(config.introspection_headers_names, config.introspection_headers_values)
        headers += _of_head(request, config.introspection_headers_client)
        method = config.introspection_endpoint_auth_method
        return await self._introspection.ask(
            Question(url, tuple(headers), tuple(fields), client, method)
        )

    async def grant(self, request: Request, shown: ClientCredentials, url: str) -> ProviderAnswer:
        """Fetch a token by a caller's credentials; raises ``OutgoingError``."""
        config = self._config
        fields = [("grant_type", "client_credentials")]
        if config.scopes:
            fields.append(("scope", " ".join(config.scopes)))
        fields += [("audience", audience) for audience in config.audience or ()]
        fields += _pairs(config.token_post_args_names, config.token_post_args_values)
        fields += _of_query(request, config.token_post_args_client)
        headers = [("Accept", "application/json")]
        headers += _pairs(config.token_headers_names, config.token_headers_values)
        headers += _of_head(request, config.token_headers_client)
        method = config.token_endpoint_auth_method or ""
        if not method.endswith("_post"):
            method = "client_secret_basic"
        client = OpenIdClient(shown.id, shown.secret, method)
        return await self._tokens.ask(Question(url, tuple(headers), tuple(fields), client, method))

    def _introspected(self, response: Fetched, now: float) -> ProviderAnswer:
        found = response.json_object()
        if self._config.introspection_check_active and found.get("active") is not True:
            return ProviderAnswer(None)
        end = seconds(found.get("exp"))
        if end is not None and self._config.verify_claims and end + self._config.leeway <= now:
            return ProviderAnswer(None)
        return ProviderAnswer(found, now + self._ttl(end, now))

    def _granted(self, response: Fetched, now: float) -> ProviderAnswer:
        if response.status in _REFUSALS:
            return ProviderAnswer(None)
        found = response.json_object()
        token = found.get("access_token")
        if not isinstance(token, str) or not is_token(token.encode()):
            return ProviderAnswer(None)
        life = seconds(found.get("expires_in"))
        ends = None if life is None else now + life
        return ProviderAnswer(found, now + self._ttl(ends, now), token.encode())

    def _ttl(self, ends: float | None, now: float) -> float:
        """Return for how long an answer is kept: never beyond its own end."""
        config = self._config
        kept = config.cache_ttl if ends is None else ends - now
        if config.cache_ttl_max:
            kept = min(kept, config.cache_ttl_max)
        if config.cache_ttl_min:
            kept = max(kept, config.cache_ttl_min)
        return float(kept if ends is None else min(kept, ends - now))


def _shows_certificate(client: OpenIdClient | None, method: str | None) -> bool:
    return client is not None and (method or client.method).endswith("tls_client_auth")


def _alias(document: Mapping[str, Any], name: str) -> Any:
    aliases = document.get("mtls_endpoint_aliases")
    return aliases.get(name) if isinstance(aliases, Mapping) else None


def _pairs(names: list[str] | None, values: list[str] | None) -> list[tuple[str, str]]:
    return list(zip(names or (), values or (), strict=False))


def _of_query(request: Request, names: list[str] | None) -> list[tuple[str, str]]:
    found = []
    for name in names or ():
        value = arguments.first(request.query, name.encode())
        if value is not None:
            found.append((name, value.decode("utf-8", "replace")))
    return found


def _of_head(request: Request, names: list[str] | None) -> list[tuple[str, str]]:
    found = []
    for name in names or ():
        value = request.header(name.lower().encode())
        if value is not None:
            found.append((name, value.decode("latin-1")))
    return found
