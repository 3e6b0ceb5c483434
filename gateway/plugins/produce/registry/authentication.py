# SPDX-License-Identifier: Apache-2.0
"""How the gateway proves itself to a schema registry: headers, and tokens kept while they last."""

from __future__ import annotations

import base64
import hashlib
import hmac
from time import time
from uuid import uuid4

import orjson

from gateway.kafka import tokens
from gateway.kafka.tokens import AccessToken, TokenRequest, client_basic
from gateway.outgoing.proxies import ForwardProxy, proxy_for
from gateway.plugins.produce.registry.settings import (
    RegistryAuthentication,
    RegistryOAuth2,
    RegistryOAuth2Client,
)

_EARLY = 0.2
"""The part of a token's life that is left when the next one is fetched."""
_JWT_LIFE = 60
_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class RegistryAuthenticator:
    """Makes the headers of requests to one registry."""

    def __init__(self, config: RegistryAuthentication | None, ca: str | None) -> None:
        self._config = config if config is not None else RegistryAuthentication()
        self._ca = ca
        self._token: AccessToken | None = None
        self._renew = 0.0

    async def headers(self) -> dict[str, str]:
        """Return the headers with the credentials; raises what ``tokens.ask`` raises."""
        config = self._config
        if config.mode == "basic" and config.basic is not None:
            return {"Authorization": _basic(config.basic.username, config.basic.password)}
        if config.mode != "oauth2" or config.oauth2 is None:
            return {}
        if self._token is None or time() >= self._renew:
            client = config.oauth2_client or RegistryOAuth2Client()
            self._token = await tokens.ask(token_request(config.oauth2, client, self._ca))
            end = self._token.expires / 1000
            self._renew = end - (end - time()) * _EARLY
        headers = {"Authorization": f"Bearer {self._token.text}"}
        if config.identity_pool_id:
            headers["Confluent-Identity-Pool-Id"] = config.identity_pool_id
        if config.logical_cluster_id:
            headers["target-sr-cluster"] = config.logical_cluster_id
        return headers

    def forget(self) -> None:
        """Drop the token: the registry refused it."""
        self._token = None


def token_request(
    oauth: RegistryOAuth2, client: RegistryOAuth2Client, ca: str | None
) -> TokenRequest:
    """Return the request for a token, with the client's proof (RFC 6749 §2.3, RFC 7523 §2.2)."""
    form: dict[str, str] = {"grant_type": oauth.grant_type}
    if oauth.grant_type == "password":
        form |= {"username": oauth.username or "", "password": oauth.password or ""}
    if oauth.scopes:
        form["scope"] = " ".join(oauth.scopes)
    if oauth.audience:
        form["audience"] = " ".join(oauth.audience)
    headers = dict(oauth.token_headers or {})
    name, secret = oauth.client_id or "", oauth.client_secret or ""
    if client.auth_method == "client_secret_basic":
        headers["Authorization"] = client_basic(name, secret)
    elif client.auth_method == "client_secret_jwt":
        assertion = _assertion(name, secret, oauth.token_endpoint, client.client_secret_jwt_alg)
        form |= {"client_assertion_type": _JWT_BEARER, "client_assertion": assertion}
    elif oauth.client_id is not None:
        form["client_id"] = name
        if client.auth_method == "client_secret_post":
            form["client_secret"] = secret
    form |= oauth.token_post_args or {}
    if not client.keep_alive:
        headers["Connection"] = "close"
    return TokenRequest(
        oauth.token_endpoint,
        tuple(form.items()),
        tuple(headers.items()),
        verify=client.ssl_verify,
        ca=ca,
        timeout=client.timeout / 1000,
        proxy=proxy_for(
            oauth.token_endpoint,
            http=ForwardProxy(client.http_proxy, client.http_proxy_authorization),
            https=ForwardProxy(client.https_proxy, client.https_proxy_authorization),
            excepted=client.no_proxy,
        ),
        http_1_0=client.http_version == 1.0,
    )


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def _assertion(client: str, secret: str, audience: str, algorithm: str) -> str:
    """Return a JWT that names the client, signed with the client's secret."""
    now = int(time())
    claims = {"iss": client, "sub": client, "aud": audience, "jti": str(uuid4())}
    times = {"iat": now, "exp": now + _JWT_LIFE}
    parts = (orjson.dumps(part) for part in ({"alg": algorithm, "typ": "JWT"}, claims | times))
    signed = b".".join(_url64(part) for part in parts)
    digest = hashlib.sha256 if algorithm == "HS256" else hashlib.sha512
    return (signed + b"." + _url64(hmac.digest(secret.encode(), signed, digest))).decode()


def _url64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
