# SPDX-License-Identifier: Apache-2.0
"""Introspection and client credentials, asked of a provider."""

from __future__ import annotations

import asyncio
import base64
from time import time
from typing import Any
from urllib.parse import quote_from_bytes

import orjson
import pytest
from aiohttp import web

from gateway.http.messages import Request
from tests.support.openid import passes, refused, run, shown, subject
from tests.support.requests import request_of
from tests.support.tokens import private_key

CLIENT: dict[str, Any] = {"client_id": ["gateway"], "client_secret": ["its secret"]}
BOTH: dict[str, Any] = {"auth_methods": ["bearer", "introspection"], **CLIENT}
NOW = int(time())


async def test_an_opaque_token_is_asked_for_once() -> None:
    async with subject() as s:
        s.provider.active["opaque"] = {"active": True, "sub": "ann", "exp": NOW + 90_000}
        handler = s.handler(**BOTH, upstream_introspection_header="X-Answer")
        for _ in range(3):
            headers = await passes(handler, shown(b"opaque"))
            assert headers[b"x-credential-identifier"] == b"ann"
            assert base64.b64decode(headers[b"x-answer"]).startswith(b'{"active":true')
        assert s.provider.asked.count("/introspect") == 1
        form = {"token": "opaque", "token_type_hint": "access_token"}
        assert s.provider.forms == [form]
        basic = base64.b64encode(b"gateway:its+secret").decode()
        assert s.provider.heads[-1]["Authorization"] == f"Basic {basic}"


@pytest.mark.parametrize(
    "answer",
    [
        {"active": False},
        {"active": "true"},
        {"active": 1},
        {},
        {"active": True, "exp": 1},
        {"active": True, "exp": "x"},
        {"active": True, "nbf": NOW + 90_000},
        {"active": True, "iss": "https://evil.test"},
    ],
)
async def test_a_token_that_is_not_active_is_refused(answer: dict[str, Any]) -> None:
    async with subject() as s:
        s.provider.active["opaque"] = answer
        handler = s.handler(**BOTH)
        for _ in range(3):
            await refused(handler, shown(b"opaque"))
        assert s.provider.asked.count("/introspect") == 1


async def test_whether_a_token_is_active_may_not_matter() -> None:
    async with subject() as s:
        s.provider.active["opaque"] = {"active": False, "sub": "ann"}
        await passes(s.handler(**BOTH, introspection_check_active=False), shown(b"opaque"))


async def test_a_refusal_is_forgotten_soon() -> None:
    async with subject() as s:
        handler = s.handler(**BOTH, cache_ttl_neg=0)
        await refused(handler, shown(b"opaque"))
        s.provider.active["opaque"] = {"active": True}
        await passes(handler, shown(b"opaque"))


async def test_an_answer_is_not_kept_beyond_its_end_nor_where_that_is_off() -> None:
    async with subject() as s:
        s.provider.active["opaque"] = {"active": True, "exp": time() + 300}
        handler = s.handler(**BOTH, cache_introspection=False)
        for _ in range(2):
            await passes(handler, shown(b"opaque"))
        assert s.provider.asked.count("/introspect") == 2
        short = s.handler(**BOTH, cache_ttl_min=1000)
        s.provider.active["short"] = {"active": True, "exp": time() + 1.5}
        await passes(short, shown(b"short"))
        for _ in range(200):
            await asyncio.sleep(0.02)
            if time() >= s.provider.active["short"]["exp"]:
                break
        await refused(short, shown(b"short"))


async def test_what_the_provider_says_is_judged_like_a_token() -> None:
    async with subject() as s:
        s.provider.active["opaque"] = {"active": True, "scope": "a b", "name": "Alex"}
        await refused(s.handler(**BOTH, scopes_required=["c"]), shown(b"opaque"), 403)
        handler = s.handler(**BOTH, scopes_required=["b"], consumer_claim=["name"])
        headers = await passes(handler, shown(b"opaque"))
        assert headers[b"x-consumer-username"] == b"Alex"


async def test_tokens_that_were_called_back_are_found_out() -> None:
    async with subject() as s:
        handler = s.handler(**BOTH, introspect_jwt_tokens=True, cache_ttl_neg=0)
        token = s.provider.token()
        await refused(handler, shown(token))
        s.provider.active[token.decode()] = {"active": True, "scope": "x"}
        request = shown(token)
        await passes(handler, request)
        assert (request.claims or {})["scope"] == "x"
        assert (request.claims or {})["sub"] == "user"
        await refused(handler, shown(s.provider.token(number=9)))


async def test_without_the_method_nobody_is_asked() -> None:
    async with subject() as s:
        s.provider.active["opaque"] = {"active": True}
        await refused(s.handler(**CLIENT), shown(b"opaque"))
        await refused(s.handler(auth_methods=["introspection"]), shown(b"opaque"))
        assert "/introspect" not in s.provider.asked


async def test_an_endpoint_of_its_own_needs_no_discovery() -> None:
    async with subject() as s:
        s.provider.active["opaque"] = {"active": True}
        handler = s.handler(
            auth_methods=["introspection"],
            introspection_endpoint=f"{s.provider.url}/introspect",
            introspection_token_param_name="token",
            introspection_post_args_names=["a"],
            introspection_post_args_values=["b"],
            introspection_post_args_client=["q"],
            introspection_headers_names=["X-A"],
            introspection_headers_values=["c"],
            introspection_headers_client=["X-B"],
        )
        request = shown(b"opaque", (b"x-b", b"d"), target=b"/?q=e")
        await passes(handler, request)
        assert s.provider.asked == ["/introspect"]
        assert s.provider.forms[-1].items() >= {"a": "b", "q": "e"}.items()
        assert s.provider.heads[-1].items() >= {"X-A": "c", "X-B": "d"}.items()


@pytest.mark.parametrize(
    "broken", [web.Response(status=500), web.Response(body=b"x"), web.Response(body=b"[]")]
)
async def test_an_endpoint_that_is_gone_lets_nobody_pass_and_is_left_alone(
    broken: web.Response,
) -> None:
    async with subject() as s:
        handler = s.handler(**BOTH)
        await passes(handler, shown(s.provider.token()))
        s.provider.broken = broken
        for number in range(20):
            await refused(handler, shown(b"opaque %d" % number))
            await refused(handler, shown(b"opaque%d" % number))
        assert s.provider.asked.count("/introspect") == 1
        # A token that needs no asking still passes.
        await passes(handler, shown(s.provider.token(sub="another")))
        s.provider.broken = None
        s.provider.active = {f"late{n}": {"active": True} for n in range(400)}
        for number in range(400):
            if await run(handler, shown(b"late%d" % number)) is None:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it did not recover")


def basic(name: str, secret: str) -> Request:
    proof = base64.b64encode(f"{name}:{secret}".encode())
    return request_of(headers=[(b"authorization", b"Basic " + proof)])


async def test_a_client_passes_with_its_own_credentials() -> None:
    async with subject() as s:
        methods = {"auth_methods": ["client_credentials"]}
        handler = s.handler(**methods, scopes=["openid", "orders"], scopes_required=["orders"])
        form = request_of(
            method=b"POST", headers=[(b"content-type", b"application/x-www-form-urlencoded")]
        )
        form.body = b"client_id=app&client_secret=app-secret"
        query = request_of(b"/?client_id=app&client_secret=app-secret")
        for request in (basic("app", "app-secret"), query, form):
            headers = await passes(handler, request)
            assert headers[b"x-credential-identifier"] == b"app"
            assert headers[b"authorization"].startswith(b"Bearer ")
        assert s.provider.asked.count("/token") == 1
        posted = s.handler(**methods, token_endpoint_auth_method="client_secret_post")
        await passes(posted, basic("app", "app-secret"))
        assert s.provider.forms[-1]["client_secret"] == "app-secret"


@pytest.mark.parametrize(("name", "secret"), [("app", "wrong"), ("app", ""), ("ghost", "x")])
async def test_wrong_credentials_are_refused_and_asked_for_once(name: str, secret: str) -> None:
    async with subject() as s:
        handler = s.handler(auth_methods=["client_credentials"])
        for _ in range(5):
            await refused(handler, basic(name, secret))
        assert s.provider.asked.count("/token") <= 1
        assert [await refused(handler, shown(s.provider.token()))]


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "HS256"])
async def test_a_client_may_prove_itself_by_a_key(algorithm: str) -> None:
    async with subject() as s:
        key = private_key(algorithm).as_dict(private=True)
        client = {"client_id": ["gateway"], "client_jwk": [{**key, "alg": algorithm, "kid": "k"}]}
        handler = s.handler(auth_methods=["introspection"], **client)
        s.provider.active["opaque"] = {"active": True, "sub": "ann"}
        for _ in range(2):
            await passes(handler, shown(b"opaque"))
        (form,) = s.provider.forms
        assert form["client_id"] == "gateway"
        head, _, _ = form["client_assertion"].partition(".")
        assert orjson.loads(base64.urlsafe_b64decode(head + "==")) == {
            "typ": "JWT", "alg": algorithm, "kid": "k",
        }  # fmt: skip
        await refused(handler, shown(b"other"))


async def test_no_line_of_the_gateway_is_made_of_a_token() -> None:
    async with subject() as s:
        # One that does not mind blanks around what it is asked about.
        for end in ("\r\n", "\r\n\r\n", " ", "\0"):
            s.provider.active[f"opaque{end}"] = {"active": True, "sub": "ann"}
            request = request_of(b"/?access_token=opaque" + quote_from_bytes(end.encode()).encode())
            await refused(s.handler(**BOTH), request)
        assert "/introspect" not in s.provider.asked


async def test_who_shows_what_is_no_token_is_not_known_by_another() -> None:
    async with subject() as s:
        head = [(b"authorization", b"Bearer a b"), (b"x-access-token", s.provider.token())]
        await passes(s.handler(), request_of(headers=head[1:]))
        await refused(s.handler(), request_of(headers=list(head)))


async def test_a_token_that_is_handed_out_is_one() -> None:
    async with subject() as s:
        body = b'{"access_token": "a\\r\\nx-admin: 1", "expires_in": 300}'
        s.provider.broken = web.Response(body=body, content_type="application/json")
        url = f"{s.provider.url}/token"
        handler = s.handler(auth_methods=["client_credentials"], token_endpoint=url)
        secret = base64.b64encode(b"app:app-secret")
        request = request_of(headers=[(b"authorization", b"Basic " + secret)])
        await refused(handler, request)


async def test_an_answer_that_is_nested_too_deeply_is_none() -> None:
    async with subject() as s:
        deep = b'{"a":' * 400 + b"1" + b"}" * 400
        body = b'{"active": true, "sub": "ann", "x": ' + deep + b"}"
        s.provider.broken = web.Response(body=body, content_type="application/json")
        url = f"{s.provider.url}/introspect"
        shows = {"upstream_headers_names": ["x-a"], "upstream_headers_claims": ["x"]}
        handler = s.handler(**BOTH, introspection_endpoint=url, **shows)
        await refused(handler, shown(b"opaque"))


async def test_nobody_is_asked_about_what_is_very_long() -> None:
    async with subject() as s:
        methods = ["bearer", "introspection", "client_credentials"]
        handler = s.handler(**{**BOTH, "auth_methods": methods})
        await refused(handler, shown(b"x" * 20_000))
        await refused(handler, basic("app", "x" * 20_000))
        assert not {"/introspect", "/token"} & set(s.provider.asked)


@pytest.mark.parametrize("life", [0, -1, "0"])
async def test_a_token_without_a_life_is_not_kept(life: Any) -> None:
    async with subject() as s:
        s.provider.expires_in = life
        handler = s.handler(auth_methods=["client_credentials"])
        for _ in range(3):
            await passes(handler, basic("app", "app-secret"))
        assert s.provider.asked.count("/token") == 3
