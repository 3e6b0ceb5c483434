# SPDX-License-Identifier: Apache-2.0
"""Fields of ``openid-connect`` for logins and sessions: accepted as files of Kong have them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from gateway.entities.base import Hint, StrictModel
from gateway.entities.types import Number, Port
from gateway.plugins.openid_connect.fields import (
    ClientAuthentication,
    Endpoint,
    Hidden,
    Method,
    Places,
    Referable,
    login,
)

SameSite = Literal["Default", "Lax", "None", "Strict"]
SessionHeaders = Annotated[
    list[
        Literal[
            "absolute-timeout",
            "audience",
            "id",
            "idling-timeout",
            "rolling-timeout",
            "subject",
            "timeout",
        ]
    ],
    Hint(set=True),
]


class LoginFields(StrictModel):
    """The authorization code flow and what follows it."""

    authorization_endpoint: Endpoint | None = login(None, "The authorization endpoint.")
    authorization_query_args_names: list[str] | None = login(None, "Further query arguments.")
    authorization_query_args_values: list[str] | None = login(None, "Their values.")
    authorization_query_args_client: list[str] | None = login(None, "Arguments of the caller.")
    authorization_cookie_name: str = login("authorization", "The cookie of a login.")
    authorization_cookie_path: str = login("/", "Its path.")
    authorization_cookie_domain: str | None = login(None, "Its domain.")
    authorization_cookie_same_site: SameSite = login("Default", "Its SameSite.")
    authorization_cookie_http_only: bool = login(True, "Its HttpOnly.")
    authorization_cookie_secure: bool | None = login(None, "Its Secure.")
    authorization_rolling_timeout: Number = login(600, "How many seconds a login may take.")
    redirect_uri: list[str] | None = login(None, "Where the provider sends browsers back to.")
    response_mode: Literal[
        "form_post",
        "form_post.jwt",
        "fragment",
        "fragment.jwt",
        "jwt",
        "query",
        "query.jwt",
    ] = login("query", "The response mode.")
    response_type: list[str] = login(["code"], "The response type.")
    preserve_query_args: bool = login(False, "Whether query arguments survive a login.")
    pushed_authorization_request_endpoint: Endpoint | None = login(
        None, "The endpoint for pushed authorization requests."
    )
    pushed_authorization_request_endpoint_auth_method: ClientAuthentication | None = login(
        None, "How clients prove themselves there."
    )
    require_pushed_authorization_requests: bool | None = login(None, "Whether to push them.")
    require_proof_key_for_code_exchange: bool | None = login(None, "Whether to use PKCE.")
    require_signed_request_object: bool | None = login(None, "Whether to sign requests.")
    verify_nonce: bool = login(True, "Whether the nonce is verified.")
    login_action: Literal["redirect", "response", "upstream"] = login(
        "upstream", "What follows a login."
    )
    login_methods: Annotated[list[Method], Hint(set=True)] = login(
        ["authorization_code"], "Which methods are logins."
    )
    login_redirect_mode: Literal["fragment", "query"] = login("fragment", "Where tokens are put.")
    login_redirect_uri: list[Referable] | None = login(None, "Where a login leads.")
    login_tokens: (
        Annotated[
            list[Literal["access_token", "id_token", "introspection", "refresh_token", "tokens"]],
            Hint(set=True),
        ]
        | None
    ) = login(["id_token"], "Which tokens a login returns.")
    logout_methods: Annotated[list[Literal["DELETE", "GET", "POST"]], Hint(set=True)] = login(
        ["DELETE", "POST"], "The methods of a logout."
    )
    logout_post_arg: str | None = login(None, "The form field of a logout.")
    logout_query_arg: str | None = login(None, "The query argument of a logout.")
    logout_redirect_uri: list[Referable] | None = login(None, "Where a logout leads.")
    logout_revoke: bool = login(False, "Whether a logout calls tokens back.")
    logout_revoke_access_token: bool = login(True, "Whether it calls the access token back.")
    logout_revoke_refresh_token: bool = login(True, "Whether it calls the refresh token back.")
    logout_uri_suffix: str | None = login(None, "The end of a logout's path.")
    end_session_endpoint: Endpoint | None = login(None, "The provider's logout.")
    revocation_endpoint: Endpoint | None = login(None, "Where tokens are called back.")
    mtls_revocation_endpoint: Endpoint | None = login(None, "The same with a certificate.")
    revocation_endpoint_auth_method: ClientAuthentication | None = login(
        None, "How clients prove themselves there."
    )
    revocation_token_param_name: str = login("token", "The form field for the token.")
    id_token_param_name: str | None = login(None, "The name of the id token.")
    id_token_param_type: Places = login(["body", "header", "query"], "Where the id token is.")
    refresh_token_param_name: str | None = login(None, "The name of the refresh token.")
    refresh_token_param_type: Places = login(
        ["body", "header", "query"], "Where the refresh token is."
    )
    refresh_tokens: bool = login(True, "Whether tokens are refreshed.")
    password_param_type: Places = login(["body", "header", "query"], "Where passwords are.")
    forbidden_destroy_session: bool = login(True, "Whether a refusal ends the session.")
    unauthorized_destroy_session: bool = login(True, "Whether a refusal ends the session.")
    userinfo_endpoint: Endpoint | None = login(None, "Where the user info is.")
    userinfo_accept: Literal["application/json", "application/jwt"] = login(
        "application/json", "The type of the user info."
    )
    userinfo_headers_names: list[str] | None = login(None, "Further headers of the request.")
    userinfo_headers_values: list[str] | None = login(None, "Their values.")
    userinfo_headers_client: list[str] | None = login(None, "Headers of the caller.")
    userinfo_query_args_names: list[str] | None = login(None, "Further query arguments.")
    userinfo_query_args_values: list[str] | None = login(None, "Their values.")
    userinfo_query_args_client: list[str] | None = login(None, "Arguments of the caller.")
    token_exchange_endpoint: Endpoint | None = login(None, "The endpoint of token exchange.")


class SessionFields(StrictModel):
    """Sessions, and where they would be kept."""

    disable_session: Annotated[list[Method], Hint(set=True)] | None = login(
        None, "Methods without a session."
    )
    jwt_session_claim: str = login("sid", "The claim of a session.")
    jwt_session_cookie: str | None = login(None, "The cookie of a session.")
    reverify: bool = login(False, "Whether tokens of sessions are verified each time.")
    session_absolute_timeout: Number = login(86400, "The longest life of a session.")
    session_audience: str = login("default", "The audience of a session.")
    session_bind: Annotated[list[Literal["ip", "scheme", "user-agent"]], Hint(set=True)] | None = (
        login(None, "What a session is bound to.")
    )
    session_cookie_domain: str | None = login(None, "The domain of its cookie.")
    session_cookie_http_only: bool = login(True, "The HttpOnly of its cookie.")
    session_cookie_name: str = login("session", "Its cookie.")
    session_cookie_path: str = login("/", "The path of its cookie.")
    session_cookie_same_site: SameSite = login("Lax", "The SameSite of its cookie.")
    session_cookie_secure: bool | None = login(None, "The Secure of its cookie.")
    session_enforce_same_subject: bool = login(False, "Whether subjects must agree.")
    session_hash_storage_key: bool = login(False, "Whether its id is hashed.")
    session_hash_subject: bool = login(False, "Whether its subject is hashed.")
    session_idling_timeout: Number = login(900, "How long it may rest.")
    session_memcached_host: str = login("127.0.0.1", "The host of memcached.")
    session_memcached_port: Port = login(11211, "Its port.")
    session_memcached_prefix: str | None = login(None, "The prefix of its keys.")
    session_memcached_socket: str | None = login(None, "Its socket.")
    session_memcached_ssl: bool | None = login(None, "Whether it is reached by TLS.")
    session_memcached_ssl_verify: bool | None = login(None, "Whether that is verified.")
    session_remember: bool = login(False, "Whether sessions outlive the browser.")
    session_remember_absolute_timeout: Number = login(2592000, "For how long at most.")
    session_remember_cookie_name: str = login("remember", "The cookie for that.")
    session_remember_rolling_timeout: Number = login(604800, "For how long.")
    session_request_headers: SessionHeaders | None = login(None, "Headers for the upstream.")
    session_response_headers: SessionHeaders | None = login(None, "Headers for the caller.")
    session_rolling_timeout: Number = login(3600, "How long it lasts.")
    session_secret: Hidden | None = login(None, "Its secret.")
    session_storage: Literal["cookie", "memcache", "memcached", "redis"] = login(
        "cookie", "Where it is kept."
    )
    session_store_metadata: bool = login(False, "Whether what is known of it is kept.")
    redis: dict[str, Any] | None = login(None, "The Redis that keeps sessions.")
    cluster_cache_redis: dict[str, Any] | None = login(None, "The Redis that keeps answers.")
