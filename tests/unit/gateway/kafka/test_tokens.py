# SPDX-License-Identifier: Apache-2.0
"""Tokens by RFC 6749 from an endpoint on a real socket."""

from __future__ import annotations

import base64
from time import time

import orjson
import pytest
from aiohttp import web

from gateway.errors import OutgoingError, ProduceError
from gateway.kafka.tokens import AccessToken, TokenRequest, ask, client_basic
from tests.support.ports import free_ports


async def asked(status: int, body: bytes) -> AccessToken:
    """Ask an endpoint that responds with this."""

    async def respond(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body)

    application = web.Application()
    application.router.add_post("/token", respond)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        return await ask(TokenRequest(f"http://127.0.0.1:{port}/token", (("a", "b"),)))
    finally:
        await runner.cleanup()


def jwt(**claims: object) -> str:
    part = base64.urlsafe_b64encode(orjson.dumps(claims)).rstrip(b"=").decode()
    return f"e30.{part}.e30"


async def test_the_life_that_the_endpoint_names_counts() -> None:
    token = await asked(200, orjson.dumps({"access_token": "opaque", "expires_in": 1000}))
    assert (token.text, token.claims) == ("opaque", {})
    assert abs(token.expires / 1000 - time() - 1000) < 60


async def test_else_the_end_that_the_token_names_counts() -> None:
    token = await asked(200, orjson.dumps({"access_token": jwt(exp=4_000_000_000, sub="me")}))
    assert (token.expires, token.claims["sub"]) == (4_000_000_000_000, "me")


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (200, b"{}"), (200, b"[]"), (302, b"")])
async def test_a_response_without_a_token_is_an_error(status: int, body: bytes) -> None:
    with pytest.raises(ProduceError):
        await asked(status, body)


def test_id_and_secret_are_form_encoded_before_they_become_basic_credentials() -> None:
    # RFC 6749 section 2.3.1: a colon in the id would end it otherwise.
    assert base64.b64decode(client_basic("a:b", "c d").split()[1]) == b"a%3Ab:c+d"


async def test_an_endpoint_that_is_gone_is_named() -> None:
    (port,) = free_ports(1)
    with pytest.raises(OutgoingError, match=f"127.0.0.1:{port}/token"):
        await ask(TokenRequest(f"http://127.0.0.1:{port}/token", ()))
