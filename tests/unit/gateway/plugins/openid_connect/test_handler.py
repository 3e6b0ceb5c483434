# SPDX-License-Identifier: Apache-2.0
"""Requests with tokens of an OpenID provider that runs beside them."""

from __future__ import annotations

from time import time
from typing import Any

import pytest

from gateway.http.messages import Pending, Request, Response
from gateway.plugins.authentication import hiding_at_last
from gateway.plugins.chain import Chain
from gateway.plugins.key_auth.handler import KeyAuth
from gateway.plugins.key_auth.schema import Config as KeyAuthConfig
from gateway.plugins.tokens import jose
from tests.support.openid import CONSUMERS, message, passes, refused, shown, subject
from tests.support.requests import request_of
from tests.support.tokens import signed, unsigned

NOW = int(time())


async def test_a_token_of_the_provider_passes_and_goes_on() -> None:
    async with subject() as s:
        token = s.provider.token()
        request = shown(token, (b"x-consumer-id", b"forged"))
        headers = await passes(s.handler(), request)
        assert headers == {
            b"authorization": b"Bearer " + token,
            b"x-credential-identifier": b"user",
        }
        assert request.consumer is None
        assert request.credential == {"id": "user"}
        assert (request.claims or {})["iss"] == s.provider.url


@pytest.mark.parametrize("algorithm", jose.ALGORITHMS[3:])
async def test_every_asymmetric_algorithm_is_served(algorithm: str) -> None:
    async with subject() as s:
        s.provider.algorithm = algorithm
        assert await passes(s.handler(), shown(s.provider.token()))


async def test_a_token_is_verified_once_and_without_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with subject() as s:
        handler = s.handler()
        token = s.provider.token()
        await passes(handler, shown(token))
        monkeypatch.setattr(jose, "is_signed", lambda *_: False)
        assert handler.access(shown(token)) is None
        assert s.provider.asked == ["/.well-known/openid-configuration", "/keys"]


@pytest.mark.parametrize(
    "more",
    [
        (),
        ((b"x-consumer-id", b"forged"), (b"x-credential-identifier", b"forged")),
        ((b"authorization", b"Bearer another"),),
        ((b"authorization", b"Basic eDp5"), (b"authorization", b"")),
        ((b"connection", b"authorization"),),
    ],
)
@pytest.mark.parametrize("config", [{}, {"hide_credentials": True}, {"anonymous": "guest"}])
async def test_a_known_token_goes_on_as_a_new_one_does(
    more: tuple[tuple[bytes, bytes], ...], config: dict[str, Any]
) -> None:
    async with subject() as s:
        handler = s.handler(**config)
        token = s.provider.token()
        first, again = shown(token, *more), shown(token, *more)
        again.unclaimed = None if len(more) > 1 else again.headers
        await passes(handler, first)
        assert handler.access(again) is None
        assert sorted(again.headers) == sorted(first.headers)
        assert again.header_values(b"authorization") == [b"Bearer " + token]
        assert again.own_headers == first.own_headers == {b"authorization"}
        assert (again.credential, again.claims) == (first.credential, first.claims)


@pytest.mark.parametrize("scheme", [b"bearer ", b"Bearer  ", b"DPoP ", b"Bearer", b"Xearer "])
async def test_of_a_known_token_the_scheme_counts_too(scheme: bytes) -> None:
    async with subject() as s:
        handler = s.handler()
        token = s.provider.token()
        await passes(handler, shown(token))
        request = shown(None, (b"authorization", scheme + token))
        if scheme.strip().lower() == b"bearer" and scheme.endswith(b" "):
            assert await passes(handler, request)
            assert request.header_values(b"authorization") == [b"Bearer " + token]
        else:
            await refused(handler, request)


REFUSED: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"exp": 1}, {}, "the token has expired"),
    ({"exp": "1"}, {}, "the token has expired"),
    ({"exp": None}, {}, "the claim exp is missing"),
    ({"exp": True}, {}, "the claim exp is no time"),
    ({"exp": [1]}, {}, "the claim exp is no time"),
    ({"nbf": NOW + 90_000}, {}, "the token is not good yet"),
    ({"iat": NOW + 90_000}, {"leeway": 10}, "the token is not good yet"),
    ({"iss": "https://evil.test"}, {}, "the token is of another issuer"),
    ({"iss": None}, {}, "the token is of another issuer"),
    ({"iss": ["x"]}, {}, "the token is of another issuer"),
    ({"auth_time": NOW - 500}, {"max_age": 300}, "the token has expired"),
    ({}, {"max_age": 300}, "the claim auth_time is missing"),
]


@pytest.mark.parametrize(("claims", "config", "reason"), REFUSED)
async def test_a_token_that_is_not_good_is_unauthorized(
    claims: dict[str, Any], config: dict[str, Any], reason: str
) -> None:
    async with subject() as s:
        token = s.provider.token(**claims)
        response = await refused(s.handler(**config), shown(token))
        assert message(response) == "Unauthorized"
        wanted = b'Bearer realm="127.0.0.1", error="invalid_token"'
        assert dict(response.headers)[b"WWW-Authenticate"] == wanted
        response = await refused(s.handler(**config, display_errors=True), shown(token))
        assert message(response) == f"Unauthorized ({reason})"
        assert (
            f'error_description="{reason}"'.encode() in dict(response.headers)[b"WWW-Authenticate"]
        )
        headers = await passes(s.handler(**config, anonymous="guest"), shown(token))
        assert headers[b"x-anonymous-consumer"] == b"true"


PASSING: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"exp": NOW - 5}, {"leeway": 86400}),
    ({"exp": str(NOW + 90_000), "iat": str(NOW - 5), "nbf": f"{NOW - 5}"}, {}),
    ({"nbf": NOW + 30, "iat": NOW + 30}, {"leeway": 86400}),
    ({"iss": "https://other.test"}, {"issuers_allowed": ["https://other.test"]}),
    ({"exp": 1, "iss": "any"}, {"verify_claims": False}),
    ({"auth_time": NOW - 100}, {"max_age": 90_000}),
    ({"scope": "openid email"}, {"scopes_required": ["openid email"]}),
    ({"scope": ["email", "openid"]}, {"scopes_required": ["openid email"]}),
    ({"scope": "openid"}, {"scopes_required": ["email", "openid"]}),
    ({"scp": "a b"}, {"scopes_claim": ["scp"], "scopes_required": ["b"]}),
    ({"aud": "me"}, {"audience_required": ["me", "you"]}),
    ({"aud": ["you", "me"]}, {"audience_required": ["me"]}),
    (
        {"user": {"groups": ["employee"]}},
        {"groups_claim": ["user", "groups"], "groups_required": ["employee"]},
    ),
    ({"roles": 7}, {"roles_required": ["7"]}),
    ({"hd": "a.test"}, {"domains": ["a.test", "b.test"]}),
    ({}, {"claims_forbidden": ["admin"]}),
]


@pytest.mark.parametrize(("claims", "config"), PASSING)
async def test_a_token_with_what_is_required_passes(
    claims: dict[str, Any], config: dict[str, Any]
) -> None:
    async with subject() as s:
        await passes(s.handler(**config), shown(s.provider.token(**claims)))


FORBIDDEN: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"scope": "openid"}, {"scopes_required": ["openid email"]}, "scope"),
    ({}, {"scopes_required": ["openid"]}, "scope"),
    ({"scope": {"openid": True}}, {"scopes_required": ["openid"]}, "scope"),
    ({"scope": "Openid"}, {"scopes_required": ["openid"]}, "scope"),
    ({"aud": "other"}, {"audience_required": ["me"]}, "audience"),
    ({"groups": ["a"]}, {"groups_required": ["b"]}, "group"),
    ({"user": "x"}, {"groups_claim": ["user", "groups"], "groups_required": ["b"]}, "group"),
    ({"roles": []}, {"roles_required": ["b"]}, "role"),
    ({"hd": "evil.test"}, {"domains": ["a.test"]}, "hd"),
    ({}, {"domains": ["a.test"]}, "hd"),
    ({"admin": False}, {"claims_forbidden": ["admin"]}, "admin"),
    ({"name": "nobody"}, {"consumer_claim": ["name"]}, "no consumer"),
    ({}, {"consumer_claim": ["name"]}, "no consumer"),
    ({"name": {"a": 1}}, {"consumer_claims": [["name"]]}, "no consumer"),
    ({"g": ["gold", "lead"]}, {"consumer_groups_claim": ["g"]}, "consumer group"),
    ({}, {"consumer_groups_claim": ["g"]}, "consumer group"),
]


@pytest.mark.parametrize(("claims", "config", "reason"), FORBIDDEN)
async def test_a_token_without_what_is_required_is_forbidden(
    claims: dict[str, Any], config: dict[str, Any], reason: str
) -> None:
    async with subject() as s:
        token = s.provider.token(**claims)
        handler = s.handler(**config, display_errors=True)
        response = await refused(handler, shown(token), 403)
        assert message(response).startswith("Forbidden (")
        assert reason in message(response)
        insufficient = b"insufficient_scope" in b"".join(v for _, v in response.headers)
        assert insufficient == (reason == "scope")
        assert message(await refused(s.handler(**config), shown(token), 403)) == "Forbidden"


async def test_what_is_no_token_of_the_provider_is_unauthorized() -> None:
    async with subject() as s:
        handler = s.handler(client_id=["app"], client_secret=["app-secret"])
        claims = {"iss": s.provider.url, "sub": "x", "exp": NOW + 90_000}
        good = s.provider.token()
        for token in (
            b"X",
            b"a.b.c",
            good[:-8],
            good + b"AAAA",
            good.replace(b".", b"..", 1),
            unsigned(claims),
            signed(claims, "HS256", secret="app-secret"),
            signed(claims, "RS256", number=9),
            signed(claims, "RS256", number=9, header={"kid": "key 0"}),
            signed(claims, "ES256", header={"kid": "key 0"}),
            signed(claims, "RS256", header={"kid": "key 0", "crit": ["x"]}),
            signed(claims, "HS256", secret=str(s.provider.url), header={"kid": "key 0"}),
            s.provider.token(number=9),
        ):
            await refused(handler, shown(token))


async def test_a_secret_signs_only_where_that_is_allowed() -> None:
    async with subject() as s:
        clients = {"client_id": ["a", "b"], "client_secret": ["secret of a", "secret of b"]}
        claims = {"iss": s.provider.url, "sub": "x", "exp": NOW + 90_000}
        token = signed(claims, "HS256", secret="secret of b")
        await refused(s.handler(**clients), shown(token))
        await passes(s.handler(**clients, enable_hs_signatures=True), shown(token))
        forged = signed(claims, "HS256", secret="another secret")
        await refused(s.handler(**clients, enable_hs_signatures=True), shown(forged))
        await refused(s.handler(enable_hs_signatures=True), shown(forged))


async def test_nothing_shown_is_unauthorized_without_a_code() -> None:
    async with subject() as s:
        for request in (shown(None), shown(None, (b"authorization", b"Digest x"))):
            response = await refused(s.handler(), request)
            assert dict(response.headers)[b"WWW-Authenticate"] == b'Bearer realm="127.0.0.1"'
        assert s.provider.asked == []
        handler = s.handler(expose_error_code=False)
        response = await refused(handler, shown(b"X"))
        assert dict(response.headers)[b"WWW-Authenticate"] == b'Bearer realm="127.0.0.1"'
        redirect = s.handler(unauthorized_redirect_uri=["https://login.test/"])
        response = await refused(redirect, shown(None), 302)
        assert dict(response.headers)[b"Location"] == b"https://login.test/"


CONSUMER: list[tuple[dict[str, Any], dict[str, Any], bytes | None]] = [
    ({"name": "Alex"}, {"consumer_claims": [["id"], ["name"]]}, b"Alex"),
    ({"u": {"name": "Alex"}}, {"consumer_claim": ["u", "name"]}, b"Alex"),
    ({"name": 7}, {"consumer_claim": ["name"]}, b"Alex"),
    ({"name": CONSUMERS[0]["id"]}, {"consumer_claim": ["name"], "consumer_by": ["id"]}, b"Alex"),
    (
        {"name": "alex"},
        {"consumer_claim": ["name"], "by_username_ignore_case": True},
        b"Alex",
    ),
    ({"name": "alex"}, {"consumer_claim": ["name"], "consumer_optional": True}, None),
    ({}, {"consumer_claims": [["name"]], "consumer_optional": True}, None),
    ({"name": "Alex"}, {}, None),
]


@pytest.mark.parametrize(("claims", "config", "name"), CONSUMER)
async def test_the_consumer_is_found_by_claims(
    claims: dict[str, Any], config: dict[str, Any], name: bytes | None
) -> None:
    async with subject() as s:
        headers = await passes(s.handler(**config), shown(s.provider.token(**claims)))
        assert headers.get(b"x-consumer-username") == name
        assert headers[b"x-credential-identifier"] == b"user"


async def test_groups_of_a_token_count() -> None:
    async with subject() as s:
        config = {"authenticated_groups_claim": ["r", "g"], "consumer_groups_claim": ["c"]}
        request = shown(s.provider.token(r={"g": ["a", "b"]}, c="silver gold"))
        await passes(s.handler(**config), request)
        assert list(request.authenticated_groups or ()) == ["a", "b"]
        assert [row["name"] for row in request.consumer_groups or ()] == ["gold", "silver"]
        request = shown(s.provider.token(c="gold lead"))
        await passes(s.handler(**config, consumer_groups_optional=True), request)
        assert [row["name"] for row in request.consumer_groups or ()] == ["gold"]
        assert list(request.authenticated_groups or ()) == []


async def test_claims_become_headers_which_no_caller_sets() -> None:
    async with subject() as s:
        config = {
            "upstream_headers": [
                {"header": "X-User", "path": ["preferred_username"]},
                {"header": "X-Roles", "path": ["realm", "roles"]},
            ],
            "upstream_headers_names": ["X-Sub"],
            "upstream_headers_claims": ["sub"],
            "downstream_headers_names": ["X-Who"],
            "downstream_headers_claims": ["sub"],
        }
        forged = ((b"x-user", b"evil"), (b"x_user", b"evil"), (b"x-roles", b"admin"))
        cases: list[tuple[dict[str, Any], dict[bytes, bytes]]] = [
            ({}, {b"x-sub": b"us  er"}),
            (
                {"preferred_username": "Zoë", "realm": {"roles": ["a", 1]}},
                {b"x-sub": b"us  er", b"x-user": "Zoë".encode(), b"x-roles": b"a,1"},
            ),
        ]
        for extra, wanted in cases:
            for handler in [s.handler(**config)] * 2:
                request = shown(s.provider.token(sub="us\r\ner", **extra), *forged)
                headers = await passes(handler, request)
                found = {k: v for k, v in headers.items() if k.startswith((b"x-", b"x_"))}
                found.pop(b"x-credential-identifier")
                assert found == wanted
                assert request.response_lines == b"\r\nX-Who: us  er"
        # Nor one who passes as anonymous.
        headers = await passes(s.handler(**config, anonymous="guest"), shown(None, *forged))
        assert b"evil" not in headers.values()


async def test_a_token_is_found_in_every_configured_place() -> None:
    async with subject() as s:
        token = s.provider.token()
        form = (b"content-type", b"application/x-www-form-urlencoded")
        handler = s.handler(
            bearer_token_param_type=["header", "query", "body", "cookie"],
            bearer_token_cookie_name="tok",
            hide_credentials=True,
        )
        for request, body in (
            (shown(token), b""),
            (shown(None, (b"authorization", b"bearer " + token)), b""),
            (shown(None, (b"access-token", token)), b""),
            (shown(None, (b"x-access-token", b"Bearer " + token)), b""),
            (shown(None, (b"cookie", b"a=b; tok=" + token)), b""),
            (shown(None, target=b"/?a=b&access_token=" + token), b""),
            (shown(None, form), b"a=b&access_token=" + token),
            (
                shown(None, (b"content-type", b"application/json")),
                b'{"a": "b", "access_token": "' + token + b'"}',
            ),
        ):
            request.body = body
            headers = await passes(handler, request)
            assert headers.pop(b"authorization") == b"Bearer " + token
            # It was taken out of where it was.
            rest = [request.target, request.body, *headers.values()]
            assert not any(token in part for part in rest)
            if body:
                assert b"b" in request.body
        await refused(s.handler(bearer_token_param_type=["query"]), shown(token))
        await refused(s.handler(bearer_token_header_name="X-Token"), shown(token))
        named = s.handler(bearer_token_header_name="X-Token", hide_credentials=True)
        headers = await passes(named, shown(None, (b"x-token", token)))
        assert b"x-token" not in headers


async def test_the_header_for_the_token_can_be_another_or_none() -> None:
    async with subject() as s:
        token = s.provider.token()
        for configured, wanted in (
            ("X-Token", {b"x-token": token}),
            ("x-token:bearer", {b"x-token": b"Bearer " + token}),
            (None, {}),
        ):
            handler = s.handler(upstream_access_token_header=configured, hide_credentials=True)
            headers = await passes(handler, shown(token, (b"x-kept", b"1")))
            headers.pop(b"x-credential-identifier")
            assert headers == {b"x-kept": b"1", **wanted}


async def test_files_of_kong_with_all_methods_serve_tokens() -> None:
    async with subject() as s:
        token = s.provider.token()
        handler = s.handler(auth_methods=None)
        await passes(handler, shown(token))
        await refused(handler, shown(s.provider.token(number=9)))


async def test_preflight_requests_may_pass() -> None:
    async with subject() as s:
        request = request_of(method=b"OPTIONS")
        await refused(s.handler(), request)
        await passes(s.handler(run_on_preflight=False), request)
        assert s.provider.asked == []


async def test_an_unverified_token_is_taken_where_that_is_configured() -> None:
    async with subject() as s:
        handler = s.handler(verify_signature=False)
        claims = {"iss": s.provider.url, "exp": NOW + 90_000}
        await passes(handler, shown(signed(claims, "RS256", number=9)))
        await refused(handler, shown(unsigned(claims)))


async def test_awaiting_is_only_for_what_must_be_asked() -> None:
    async with subject() as s:
        handler = s.handler()
        await passes(handler, shown(s.provider.token()))
        assert handler.access(shown(s.provider.token(sub="another"))) is None


async def test_beside_another_plugin_the_upstream_gets_the_token_and_no_proof() -> None:
    async with subject() as s:
        opened = s.handler(hide_credentials=True, anonymous="guest")
        keys = KeyAuth(
            KeyAuthConfig(
                hide_credentials=True, anonymous="guest", key_names=["authorization", "k"]
            ),
            opened.context,
        )
        placed = hiding_at_last([((1250, "key-auth"), keys), ((1050, "openid-connect"), opened)])
        chain = Chain(
            [one for _, one in placed],
            lambda _: Response(204, []),
            order=[place for place, _ in placed],
        )
        token = s.provider.token()
        for value in (b"Bearer " + token, b"bearer " + token, b"Bearer " + token):
            request = request_of(headers=[(b"authorization", value), (b"k", b"secret")])
            await answered(chain, request)
            headers = request.headers
            assert (b"authorization", b"Bearer " + token) in headers
            assert (b"k", b"secret") not in headers
            assert (b"x-credential-identifier", b"user") in headers
        request = request_of(headers=[(b"authorization", b"Bearer bad")])
        await answered(chain, request)
        assert dict(request.headers).keys() == {
            b"x-consumer-id",
            b"x-consumer-username",
            b"x-anonymous-consumer",
        }


async def answered(chain: Chain, request: Request) -> None:
    found = chain.run(request)
    response = await found if isinstance(found, Pending) else found
    assert response.status == 204
