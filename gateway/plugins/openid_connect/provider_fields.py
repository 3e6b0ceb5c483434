# SPDX-License-Identifier: Apache-2.0
"""Fields of ``openid-connect``: the provider, how it is asked, and as which client."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.entities.base import Hint, StrictModel
from gateway.entities.types import Number, ProxyUrl, Uuid
from gateway.entities.versions import by_version
from gateway.plugins.openid_connect.fields import (
    ClientAuthentication,
    Endpoint,
    Hidden,
    Path,
    Places,
    Referable,
    Words,
    field,
    idle,
)

Seconds = Annotated[Number, Field(ge=0)]


class IssuerFields(StrictModel):
    """Whose tokens count, and where its keys are."""

    issuer: Endpoint = Field(
        description="The provider: its issuer identifier, or the URL of its discovery document."
    )
    using_pseudo_issuer: bool = field(
        False,
        "Whether `issuer` is only a name: nothing is discovered then, and keys come from "
        "`jwks_endpoint` and `extra_jwks_uris`.",
    )
    issuers_allowed: list[Referable] | None = field(
        None, "Further values that a token's claim `iss` may have."
    )
    discovery_headers_names: list[str] | None = field(
        None, "Names of further headers of the discovery request."
    )
    discovery_headers_values: list[str] | None = field(None, "Their values, by position.")
    rediscovery_lifetime: Seconds = field(
        30,
        "How many seconds pass at least before the provider is asked again for a key that it did "
        "not have.",
    )
    extra_jwks_uris: Annotated[list[Endpoint], Hint(set=True)] | None = field(
        None, "URLs of further key sets (RFC 7517) whose keys count."
    )
    jwks_endpoint: Endpoint | None = field(
        None, "The URL of the provider's key set, in place of the discovered one."
    )
    verify_parameters: bool = idle(
        False, "Whether the configuration is compared with the discovery document."
    )


class ClientJwk(StrictModel):
    """A private key with which the client proves itself; fields of RFC 7517."""

    issuer: str | None = idle(None, "Whose key it is.")
    kty: str | None = field(None, "The type of the key.")
    use: str | None = field(None, "What the key is for.")
    key_ops: list[str] | None = field(None, "What may be done with the key.")
    alg: str | None = field(None, "The algorithm that the key is for.")
    kid: str | None = field(None, "The name of the key.")
    x5u: str | None = field(None, "Where its certificate is.")
    x5c: list[str] | None = field(None, "The certificates of the key.")
    x5t: str | None = field(None, "The SHA-1 thumbprint of its certificate.")
    x5t_s256: str | None = Field(
        default=None, alias="x5t#S256", description="The SHA-256 thumbprint of its certificate."
    )
    k: Hidden | None = field(None, "The secret of a symmetric key.")
    x: str | None = field(None, "A coordinate of an elliptic curve key.")
    y: str | None = field(None, "The other coordinate.")
    crv: str | None = field(None, "The name of the curve.")
    n: str | None = field(None, "The modulus of an RSA key.")
    e: str | None = field(None, "The exponent of the key.")
    d: Hidden | None = field(None, "The private part of the key.")
    p: Hidden | None = field(None, "The first prime of an RSA key.")
    q: Hidden | None = field(None, "The second prime.")
    dp: Hidden | None = field(None, "A factor of the private part.")
    dq: Hidden | None = field(None, "Another factor of the key.")
    qi: Hidden | None = field(None, "A coefficient of the key.")
    oth: Hidden | None = field(None, "Further primes of the key.")
    r: Hidden | None = field(None, "A further prime of the key.")
    t: Hidden | None = field(None, "A further coefficient of the key.")


class ClientFields(StrictModel):
    """As which client the provider's endpoints are asked."""

    client_id: Annotated[list[Referable], Hint(encrypted=True)] | None = field(
        None, "The ids of the gateway's clients at the provider."
    )
    client_secret: Annotated[list[Referable], Hint(encrypted=True)] | None = field(
        None, "Their secrets, by position."
    )
    client_auth: list[ClientAuthentication] | None = field(
        None,
        "How each client proves itself to the provider's endpoints, by position; "
        "client_secret_basic by default.",
    )
    client_alg: (
        list[
            Literal[
                "ES256",
                "ES384",
                "ES512",
                "EdDSA",
                "HS256",
                "HS384",
                "HS512",
                "PS256",
                "PS384",
                "PS512",
                "RS256",
                "RS384",
                "RS512",
            ]
        ]
        | None
    ) = field(None, "The algorithm of client_secret_jwt and private_key_jwt, by position.")
    client_jwk: list[ClientJwk] | None = field(
        None, "The private keys of private_key_jwt, by position."
    )
    client_arg: str = field(
        "client_id",
        "The header, query argument or form field in which a request chooses one of several "
        "clients, by its id or its number from 1 on.",
    )
    tls_client_auth_cert_id: Uuid | None = field(
        None, "The certificate that tls_client_auth shows to the provider's endpoints."
    )
    tls_client_auth_ssl_verify: bool = field(
        True, "Whether the provider's certificate is verified where tls_client_auth shows one."
    )


class TokenEndpointFields(StrictModel):
    """How tokens are fetched for the method `client_credentials`."""

    client_credentials_param_type: Places = field(
        ["body", "header", "query"],
        "Where the caller's client id and secret may be: the header Authorization (Basic), query "
        "arguments, or the fields of a form.",
    )
    token_endpoint: Endpoint | None = field(
        None, "The token endpoint, in place of the discovered one."
    )
    mtls_token_endpoint: Endpoint | None = field(
        None, "The token endpoint for clients that show a certificate."
    )
    token_endpoint_auth_method: ClientAuthentication | None = field(
        None,
        "How the caller's id and secret are shown to the token endpoint: client_secret_basic or "
        "client_secret_post.",
    )
    token_post_args_names: list[str] | None = field(
        None, "Names of further fields of the token request."
    )
    token_post_args_values: list[str] | None = field(None, "Their values, by position.")
    token_post_args_client: list[str] | None = field(
        None, "Fields of the token request that are taken from the caller's query."
    )
    token_headers_names: list[str] | None = field(
        None, "Names of further headers of the token request."
    )
    token_headers_values: list[str] | None = field(None, "Their values, by position.")
    token_headers_client: list[str] | None = field(
        None, "Headers of the token request that are taken from the caller's."
    )
    token_headers_grants: (
        Annotated[
            list[Literal["authorization_code", "client_credentials", "password", "refresh_token"]],
            Hint(set=True),
        ]
        | None
    ) = idle(None, "For which grants headers of the token endpoint go to the caller.")
    token_headers_prefix: str | None = idle(None, "What is put before the names of these headers.")
    token_headers_replay: list[str] | None = idle(
        None, "Which headers of the token endpoint go to the caller."
    )
    scopes: list[Referable] | None = field(["openid"], "The scopes that are asked for.")
    audience: list[str] | None = field(None, "The audiences that are asked for.")
    cache_tokens: bool = field(True, "Whether fetched tokens are kept.")
    cache_tokens_salt: str | None = idle(
        None, "A salt for the key under which a token is kept; each worker has one of its own."
    )
    token_cache_key_include_scope: bool = idle(
        False, "Whether tokens are kept by scope: here they always are."
    )


class HttpFields(StrictModel):
    """How the provider's endpoints are reached."""

    http_version: Number = field(1.1, "The HTTP version of requests: 1.1 or 1.0.")
    ssl_verify: bool = by_version(
        False,
        True,
        description="Whether the provider's certificate is verified, against "
        "`lua_ssl_trusted_certificate`.",
    )
    timeout: Number = field(10000, "How long a request may take, in milliseconds.")
    keepalive: bool = field(True, "Whether connections are kept open.")
    http_proxy: ProxyUrl | None = field(None, "The proxy for URLs with http.")
    http_proxy_authorization: Hidden | None = field(None, "The header Proxy-Authorization for it.")
    https_proxy: ProxyUrl | None = field(None, "The proxy for URLs with https.")
    https_proxy_authorization: Hidden | None = field(None, "The header Proxy-Authorization for it.")
    no_proxy: str | None = field(None, "Hosts that are reached without a proxy, with commas.")


class CacheFields(StrictModel):
    """How long is kept what the provider says."""

    cache_ttl: Seconds = field(
        3600, "How many seconds keys, and answers that do not say when they end, are kept."
    )
    cache_ttl_max: Seconds | None = field(None, "The most seconds that anything is kept.")
    cache_ttl_min: Seconds | None = field(
        None, "The least seconds that answers are kept, but never beyond the end of a token."
    )
    cache_ttl_neg: Seconds | None = field(
        None, "How many seconds a refusal is kept: 5 when it is not set."
    )
    cache_ttl_resurrect: Seconds | None = field(
        None,
        "How many seconds keys are used beyond their time while the provider is unreachable: a "
        "day when it is not set.",
    )
    cache_user_info: bool = idle(True, "Whether the provider's user info is kept.")
    cache_token_exchange: bool = idle(True, "Whether exchanged tokens are kept.")
    cluster_cache_items: list[str] | None = idle(None, "What nodes share.")
    cluster_cache_strategy: Literal["off", "redis"] = idle(
        "off", "Whether nodes share the answers of introspection: each asks for itself."
    )


class IntrospectionFields(StrictModel):
    """How tokens are shown to the provider (RFC 7662)."""

    introspection_endpoint: Endpoint | None = field(
        None, "The introspection endpoint, in place of the discovered one."
    )
    mtls_introspection_endpoint: Endpoint | None = field(
        None, "The introspection endpoint for clients that show a certificate."
    )
    introspection_endpoint_auth_method: ClientAuthentication | None = field(
        None, "How the client proves itself there, in place of `client_auth`."
    )
    introspection_hint: str = field("access_token", "The field token_type_hint of the request.")
    introspection_accept: Literal[
        "application/json", "application/jwt", "application/token-introspection+jwt"
    ] = field("application/json", "The type of the response: only JSON is served.")
    introspection_check_active: bool = field(
        True, "Whether the response must say that the token is active."
    )
    introspection_token_param_name: str = field(
        "token", "The field of the request that holds the token."
    )
    introspection_post_args_names: list[str] | None = field(
        None, "Names of further fields of the request."
    )
    introspection_post_args_values: list[str] | None = field(None, "Their values, by position.")
    introspection_post_args_client: list[str] | None = field(
        None, "Fields of the request that are taken from the caller's query."
    )
    introspection_post_args_client_headers: list[str] | None = field(
        None, "Fields of the request that are taken from the caller's headers."
    )
    introspection_headers_names: list[str] | None = field(
        None, "Names of further headers of the request."
    )
    introspection_headers_values: Annotated[list[Referable], Hint(encrypted=True)] | None = field(
        None, "Their values, by position."
    )
    introspection_headers_client: list[str] | None = field(
        None, "Headers of the request that are taken from the caller's."
    )
    introspect_jwt_tokens: bool = field(
        False, "Whether JSON Web Tokens are introspected too, to learn of those called back."
    )
    cache_introspection: bool = field(True, "Whether the responses are kept.")


__all__ = [
    "CacheFields",
    "ClientFields",
    "HttpFields",
    "IntrospectionFields",
    "IssuerFields",
    "Path",
    "TokenEndpointFields",
    "Words",
]
