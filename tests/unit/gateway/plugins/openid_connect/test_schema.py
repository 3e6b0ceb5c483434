# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.entities.problems import problems_of
from gateway.plugins.openid_connect import PLUGIN
from gateway.plugins.openid_connect.schema import Config
from gateway.schema import plugin_schema

ISSUER = {"issuer": "https://login.test"}


def problems(**config: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({**ISSUER, **config})
    return "\n".join(p.sentence("config") for p in problems_of(caught.value, Config))


def test_the_issuer_is_enough_and_defaults_are_those_of_kong() -> None:
    config = Config.model_validate(ISSUER)
    wanted = {
        "leeway": 0,
        "cache_ttl": 3600,
        "rediscovery_lifetime": 30,
        "timeout": 10000,
        "scopes": ["openid"],
        "scopes_claim": ["scope"],
        "audience_claim": ["aud"],
        "credential_claim": ["sub"],
        "consumer_by": ["custom_id", "username"],
        "upstream_access_token_header": "authorization:bearer",
        "ssl_verify": False,
        "hide_credentials": False,
        "run_on_preflight": True,
        "session_absolute_timeout": 86400,
        "dpop_proof_lifetime": 300,
    }
    assert {name: getattr(config, name) for name in wanted} == wanted
    assert len(config.auth_methods) == 9


def test_null_is_the_default_for_all_but_the_header_of_the_token() -> None:
    nulls = dict.fromkeys(set(Config.model_fields) - {"issuer", "upstream_access_token_header"})
    assert Config.model_validate({**ISSUER, **nulls}) == Config.model_validate(ISSUER)
    off = Config.model_validate({**ISSUER, "upstream_access_token_header": None})
    assert off.upstream_access_token_header is None
    again = Config.model_validate(off.model_dump(by_alias=True))
    assert again.upstream_access_token_header is None


def test_what_the_defaults_are_can_be_sent_again() -> None:
    # decK fills in the defaults of the schema that it was given.
    fields = plugin_schema("openid-connect")["fields"][-1]["config"]["fields"]
    filled = {
        name: field["default"]
        for entry in fields
        for name, field in entry.items()
        if "default" in field
    }
    assert Config.model_validate({**filled, **ISSUER}) == Config.model_validate(ISSUER)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"auth_methods": ["session"]}, "logins, sessions and passwords are not served"),
        ({"auth_methods": ["authorization_code", "session"]}, "logins, sessions"),
        ({"auth_methods": ["password", "refresh_token", "userinfo"]}, "auth_methods"),
        ({"auth_methods": []}, "auth_methods"),
        ({"auth_methods": ["magic"]}, "auth_methods"),
        ({"search_user_info": True}, "search_user_info"),
        ({"resolve_distributed_claims": True}, "resolve_distributed_claims"),
        ({"introspection_accept": "application/jwt"}, "introspection_accept"),
        ({"dpop_use_nonce": True}, "dpop_use_nonce"),
        ({"token_exchange": {"subject_token_issuers": []}}, "tokens are not exchanged"),
        ({"principals": {"enabled": True}}, "Kong Identity"),
        ({"proof_of_possession_mtls_from_header": {"name": "x"}}, "only from the TLS connection"),
        ({"http_version": 2}, "http_version"),
        ({"discovery_headers_names": ["a"]}, "as many entries"),
        ({"upstream_headers_names": ["a"], "upstream_headers_claims": []}, "as many entries"),
        ({"issuer": "nonsense"}, "issuer"),
        ({"leeway": -1}, "leeway"),
        ({"unknown": 1}, "unknown"),
        ({"upstream_headers": [{"header": "a b", "path": ["x"]}]}, "header"),
        ({"upstream_headers": [{"header": "a", "path": []}]}, "path"),
        ({"upstream_access_token_header": "a b"}, "bad header name"),
        ({"upstream_access_token_header": ":bearer"}, "bad header name"),
        ({"upstream_access_token_header": "a\r\nb: c"}, "a line end"),
        ({"upstream_access_token_header": "a:b\r\nc"}, "a line end"),
        ({"upstream_access_token_header": "a:\0"}, "a line end or another control"),
        ({"unauthorized_redirect_uri": ["https://a.test/\r\nX: y"]}, "unauthorized_redirect_uri"),
        ({"forbidden_redirect_uri": ["/login"]}, "forbidden_redirect_uri"),
        ({"forbidden_redirect_uri": ["https://a.test/#\n"]}, "forbidden_redirect_uri"),
        ({"unexpected_redirect_uri": ["https://"]}, "no scheme or no host"),
        ({"unexpected_redirect_uri": ["https://:80/"]}, "no scheme or no host"),
        ({"unexpected_redirect_uri": ["https:/a.test"]}, "no scheme or no host"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(config: dict[str, Any], problem: str) -> None:
    assert problem in problems(**config)


@pytest.mark.parametrize(
    "url",
    [
        "https://a.test/login?x=1#/in",
        "{vault://env/login}",
        "myapp://callback",
        "https://ann:pw@a.test",
        "https://müller.test/",
        "https://-a_.1:x",
        "https://[::1]:1/a b",
    ],
)
def test_browsers_may_be_sent_to_any_address(url: str) -> None:
    config = Config.model_validate({**ISSUER, "unauthorized_redirect_uri": [url]})
    assert config.unauthorized_redirect_uri == [url]


@pytest.mark.parametrize(
    "header", ["X-Token:bearer", "authorization:", "x:dpop-x", "x.token", "x:Token für"]
)
def test_a_token_may_have_any_text_before_it(header: str) -> None:
    config = Config.model_validate({**ISSUER, "upstream_access_token_header": header})
    assert config.upstream_access_token_header == header


@pytest.mark.parametrize(
    ("config", "warned"),
    [
        ({}, ["auth_methods: authorization_code, kong_oauth2, password, refresh_token, session"]),
        ({"auth_methods": ["bearer", "introspection", "client_credentials"]}, []),
        ({"auth_methods": ["bearer", "session"]}, ["auth_methods: session are not served"]),
        (
            {"auth_methods": ["bearer"], "verify_signature": False, "verify_claims": False},
            ["verify_signature: anybody", "verify_claims: anybody"],
        ),
        (
            {"auth_methods": ["bearer"], "session_secret": "x", "session_cookie_name": "y"},
            ["session_cookie_name, session_secret: without effect"],
        ),
        ({"auth_methods": ["bearer"], "session_cookie_name": "session"}, []),
    ],
)
def test_what_is_accepted_and_not_done_is_warned_of(
    config: dict[str, Any], warned: list[str]
) -> None:
    found = Config.model_validate({**ISSUER, **config}).warnings()
    assert len(found) == len(warned)
    assert all(text.startswith(start) for text, start in zip(found, warned, strict=True))


def test_clients_are_asked_for_certificates_where_tokens_are_bound_to_one() -> None:
    assert PLUGIN.asks is not None
    for mode, asked in (("off", None), ("optional", ()), ("strict", ())):
        config = Config.model_validate({**ISSUER, "proof_of_possession_mtls": mode})
        assert PLUGIN.asks(config) == asked


@pytest.mark.parametrize(
    "config",
    [
        {"auth_methods": ["bearer", "session"]},
        {"auth_methods": ["client_credentials"]},
        {"issuer": "{vault://env/issuer}"},
        {"principals": {"enabled": False}},
        {"session_secret": "abc", "session_storage": "redis", "redis": {"host": "r"}},
        {"client_jwk": [{"kty": "RSA", "x5t#S256": "a", "kid": "k"}]},
        {"cluster_cache_strategy": "redis", "cluster_cache_redis": {"host": "r"}},
        {"consumer_claims": [["a", "b"], ["c"]], "consumer_claim": ["d"]},
    ],
)
def test_what_files_of_kong_have_is_accepted(config: dict[str, Any]) -> None:
    assert Config.model_validate({**ISSUER, **config})
