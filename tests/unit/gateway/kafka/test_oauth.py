# SPDX-License-Identifier: Apache-2.0
"""A producer without tokens has no source of them; a failed fetch is reported to librdkafka."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock, patch

from gateway.kafka import tokens
from gateway.kafka.config import OAuth, ProducerConfig, Sasl
from gateway.kafka.oauth import TokenSource
from tests.support.ports import free_ports
from tests.support.producing import until


async def test_without_oauth_there_is_no_source() -> None:
    loop = asyncio.get_running_loop()
    for sasl in (None, Sasl("PLAIN", "u", "p")):
        assert TokenSource.of(ProducerConfig(("a:1",), sasl=sasl), loop, Mock()) is None


async def test_a_failure_is_reported_with_the_endpoint_and_without_the_secret() -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}/token"
    sasl = Sasl("OAUTHBEARER", oauth=OAuth(url, "id", "hidden"))
    watch, client = Mock(), Mock()
    source = TokenSource.of(ProducerConfig(("a:1",), sasl=sasl), asyncio.get_running_loop(), watch)
    assert source is not None
    source.fetch(client)
    await until(lambda: client.token_failed.called)
    (reason,) = client.token_failed.call_args.args
    _, detail = watch.log.error.call_args.args
    assert url in detail
    assert "hidden" not in reason + detail
    assert not client.set_token.called


async def test_a_token_goes_to_the_client_that_asked_last() -> None:
    """The one before was given up meanwhile; no second fetch begins for it."""
    asked, go = asyncio.Event(), asyncio.Event()
    forms: list[str] = []

    async def ask(request: tokens.TokenRequest) -> tokens.AccessToken:
        forms.append(request.url)
        asked.set()
        await go.wait()
        return tokens.AccessToken("text", 2**40, {"sub": "p"})

    sasl = Sasl("OAUTHBEARER", oauth=OAuth("http://127.0.0.1:1/token", "id", "hidden"))
    loop = asyncio.get_running_loop()
    source = TokenSource.of(ProducerConfig(("a:1",), sasl=sasl), loop, Mock())
    assert source is not None
    old, new = Mock(), Mock()
    with patch.object(tokens, "ask", ask):
        source.fetch(old)
        await asked.wait()
        source.fetch(new)
        go.set()
        await until(lambda: new.set_token.called)
    assert not old.method_calls
    assert len(forms) == 1
