# SPDX-License-Identifier: Apache-2.0
"""Tokens that a server on a real socket knows, or does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import time
from typing import Any

import orjson
import pytest
from aiohttp import web

from gateway.http.messages import Request, Response
from gateway.outgoing.client import HttpClient
from gateway.plugins.base import PluginContext
from gateway.plugins.consumers import Consumers
from gateway.plugins.oauth2_introspection.handler import OAuth2Introspection
from gateway.plugins.oauth2_introspection.schema import Config
from tests.support.fake_openid_provider import FakeOpenIdProvider, openid_provider
from tests.support.openid import CONSUMERS, shown
from tests.support.requests import request_of


class Asked:
    """A server and handlers that ask it."""

    def __init__(self, provider: FakeOpenIdProvider, http: HttpClient) -> None:
        self.provider = provider
        self._http = http

    def handler(self, **config: Any) -> OAuth2Introspection:
        pool: Any = None
        consumers = Consumers({"consumers": CONSUMERS})
        context = PluginContext(pool, lambda _: None, consumers=consumers, http=self._http)
        url = f"{self.provider.url}/introspect"
        given = {"introspection_url": url, "authorization_value": "Basic secret", **config}
        return OAuth2Introspection(Config.model_validate(given), context)

    @property
    def count(self) -> int:
        return len(self.provider.asked)


@asynccontextmanager
async def server(**active: dict[str, Any]) -> AsyncIterator[Asked]:
    async with openid_provider() as provider, HttpClient() as http:
        provider.active = {token: {"active": True, **said} for token, said in active.items()}
        yield Asked(provider, http)


async def run(handler: OAuth2Introspection, request: Request) -> Response | None:
    found: Any = handler.access(request)
    result = found if found is None or isinstance(found, Response) else await found
    assert result is None or isinstance(result, Response)
    return result


async def passes(handler: OAuth2Introspection, request: Request) -> dict[bytes, bytes]:
    assert await run(handler, request) is None
    return dict(request.headers)


async def refused(handler: OAuth2Introspection, request: Request) -> dict[str, str]:
    response = await run(handler, request)
    assert response is not None
    assert response.status == 401
    assert isinstance(response.body, bytes)
    found: dict[str, str] = orjson.loads(response.body)
    return found


async def test_what_the_server_says_goes_to_the_upstream() -> None:
    said = {"username": "Alex", "scope": "a b", "client_id": "c", "aud": ["x", "y"], "exp": 4e9}
    async with server(good={**said, "tenant": "t", "sub": "s\r\nx"}) as asked:
        handler = asked.handler(custom_claims_forward=["tenant"], token_type_hint="access_token")
        for _ in range(2):
            request = shown(b"good", (b"x-credential-jti", b"forged"), (b"x-consumer-id", b"f"))
            headers = await passes(handler, request)
            assert headers == {
                b"authorization": b"Bearer good",
                b"x-consumer-id": CONSUMERS[0]["id"].encode(),
                b"x-consumer-custom-id": b"7",
                b"x-consumer-username": b"Alex",
                b"x-credential-identifier": b"Alex",
                b"x-credential-scope": b"a b",
                b"x-credential-client-id": b"c",
                b"x-credential-exp": b"4000000000.0",
                b"x-credential-aud": b"x,y",
                b"x-credential-sub": b"s  x",
                b"x-credential-tenant": b"t",
            }
        assert asked.provider.forms == [{"token": "good", "token_type_hint": "access_token"}]
        assert asked.provider.heads[0]["Authorization"] == "Basic secret"


@pytest.mark.parametrize(
    ("said", "by", "name"),
    [
        ({"client_id": "7"}, "client_id", b"Alex"),
        ({"client_id": "Alex"}, "client_id", None),
        ({"username": "nobody"}, "username", None),
        ({"username": ["Alex"]}, "username", None),
        ({}, "username", None),
    ],
)
async def test_the_consumer_is_found_by_what_the_server_says(
    said: dict[str, Any], by: str, name: bytes | None
) -> None:
    async with server(good=said) as asked:
        request = shown(b"good")
        headers = await passes(asked.handler(consumer_by=by), request)
        assert headers.get(b"x-consumer-username") == name
        assert request.credential is not None


@pytest.mark.parametrize(
    "said",
    [{"active": False}, {"active": 1}, {"active": "true"}, {"active": None}, {"exp": 1}],
)
async def test_a_token_that_is_not_active_is_refused_and_asked_for_once(
    said: dict[str, Any],
) -> None:
    async with server(bad=said) as asked:
        handler = asked.handler()
        for _ in range(3):
            found = await refused(handler, shown(b"bad"))
            assert found["error"] == "invalid_token"
        assert asked.count == 1
        headers = await passes(
            asked.handler(anonymous="guest"), shown(b"bad", (b"x-credential-scope", b"forged"))
        )
        assert headers[b"x-anonymous-consumer"] == b"true"
        assert b"x-credential-scope" not in headers


async def test_nothing_shown_is_refused_without_asking() -> None:
    async with server() as asked:
        for request in (shown(None), shown(None, (b"authorization", b"Basic x"))):
            assert (await refused(asked.handler(), request))["error"] == "invalid_request"
        # Nor about what is too long to be kept in mind.
        assert await refused(asked.handler(), shown(b"x" * 20_000))
        assert asked.count == 0


async def test_tokens_in_queries_and_forms_count_and_can_be_hidden() -> None:
    async with server(good={}) as asked:
        handler = asked.handler(hide_credentials=True)
        form = request_of(headers=[(b"content-type", b"application/x-www-form-urlencoded")])
        form.body = b"a=b&access_token=good"
        for request in (shown(b"good"), request_of(b"/?access_token=good&a=b"), form):
            headers = await passes(handler, request)
            assert b"authorization" not in headers
            assert b"good" not in request.target + request.body


async def test_an_answer_is_kept_for_its_time_and_no_longer() -> None:
    async with server(good={}, short={"exp": time() + 0.3}) as asked:
        handler = asked.handler(ttl=0.2)
        await passes(handler, shown(b"good"))
        asked.provider.active.clear()
        for _ in range(500):
            if await run(handler, shown(b"good")) is not None:
                break
            await asyncio.sleep(0.02)
        else:
            raise AssertionError("a token that was called back passes for ever")
        for_ever = asked.handler(ttl=0)
        end = time() + 1.5
        asked.provider.active["short"] = {"active": True, "exp": end}
        await passes(for_ever, shown(b"short"))
        for _ in range(500):
            if await run(for_ever, shown(b"short")) is not None:
                break
            await asyncio.sleep(0.02)
        assert time() >= end
        await refused(for_ever, shown(b"short"))


async def test_the_server_may_be_told_of_the_request() -> None:
    async with server(good={}) as asked:
        handler = asked.handler(introspect_request=True, custom_introspection_headers={"X-A": "b"})
        for path in (b"/one", b"/%0A%7e\xc3\xa9", b"/one"):
            await passes(handler, shown(b"good", target=path + b"?q=1"))
        told = [(h["X-Request-Path"], h["X-Request-Http-Method"]) for h in asked.provider.heads]
        assert told == [("/one", "GET"), ("/%0A%7e%C3%A9", "GET")]
        assert asked.provider.heads[0]["X-A"] == "b"


@pytest.mark.parametrize(
    "broken",
    [web.Response(status=500), web.Response(status=401), web.Response(body=b"x" * 2_000_000)],
)
async def test_a_server_that_is_gone_lets_nobody_pass_and_is_left_alone(
    broken: web.Response,
) -> None:
    async with server(late={}) as asked:
        handler = asked.handler()
        asked.provider.broken = broken
        for number in range(30):
            await refused(handler, shown(b"t%d" % number))
        assert asked.count == 1
        asked.provider.broken = None
        asked.provider.active = {f"late{n}": {"active": True} for n in range(500)}
        for number in range(500):
            if await run(handler, shown(b"late%d" % number)) is None:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("it did not recover")


@pytest.mark.parametrize(
    ("value", "stays"),
    [(b"Basic Ym9iOmtvbmc=", True), (b"bearer x", False), (b"Bearer a b", False), (b"x", True)],
)
async def test_what_holds_no_token_is_not_hidden(value: bytes, stays: bool) -> None:
    async with server() as asked:
        handler = asked.handler(hide_credentials=True, anonymous="guest")
        found = await passes(handler, request_of(headers=[(b"authorization", value)]))
        assert (b"authorization" in found) is stays
