# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web

from gateway.errors import ReleaseRefused
from gateway.logs import JsonFormatter
from gateway.outgoing.client import HttpClient
from gateway.plugins.logging.sinks import LogSinks
from tests.support.logging import server_tls, until
from tests.support.policies import policy_gateway
from tests.support.releases import number
from tests.support.small_endpoint import endpoint


class LogServer:
    """Keeps the requests that it gets; ``status`` is what it responds."""

    def __init__(self) -> None:
        self.status = 200
        self.hangs: asyncio.Event | None = None
        self.seen: list[tuple[str, str, dict[str, str], Any]] = []

    async def respond(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((request.method, request.path_qs, headers, body))
        if self.hangs is not None:
            await self.hangs.wait()
        return web.Response(status=self.status)


class Clients:
    """What a worker has, closed at the end."""

    def __init__(self) -> None:
        self.logs, self.http = LogSinks(), HttpClient()

    async def __aenter__(self) -> dict[str, Any]:
        return {"logs": self.logs, "http": self.http}

    async def __aexit__(self, *_: object) -> None:
        await self.logs.close(5)
        await self.http.close()


async def test_each_request_is_sent_as_an_object() -> None:
    server = LogServer()
    async with endpoint(server.respond) as url, Clients() as clients:
        config = {"http_endpoint": f"{url}/in?a=1", "method": "PUT", "headers": {"X-Token": "t"}}
        async with policy_gateway(("http-log", config), **clients) as gateway:
            await gateway.ask("/a")
            await until(lambda: server.seen)
            method, path, headers, body = server.seen[0]
            assert (method, path) == ("PUT", "/in?a=1")
            assert (headers["x-token"], headers["content-type"]) == ("t", "application/json")
            assert headers["host"] == url.partition("://")[2]
            assert body["request"]["uri"] == "/a"


async def test_several_are_sent_as_an_array_and_one_alone_too() -> None:
    server = LogServer()
    async with endpoint(server.respond) as url, Clients() as clients:
        queue = {"max_batch_size": 2, "max_coalescing_delay": 0.2}
        config = {"http_endpoint": url, "queue": queue}
        async with policy_gateway(("http-log", config), **clients) as gateway:
            for target in ("/1", "/2", "/3"):
                await gateway.ask(target)
            await until(lambda: len(server.seen) == 2)
            uris = [[one["request"]["uri"] for one in body] for *_, body in server.seen]
            assert uris == [["/1", "/2"], ["/3"]]


async def test_a_user_in_the_url_becomes_a_header_and_is_logged_nowhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = LogServer()
    server.status = 500
    async with endpoint(server.respond) as url, Clients() as clients:
        place = url.replace("://", "://bob:p%40ss@") + "/secret?token=hidden"
        queue = {"max_retry_time": 0}
        config = {"http_endpoint": place, "queue": queue, "headers": {"X": "covert"}}
        async with policy_gateway(("http-log", config), **clients) as gateway:
            await gateway.ask("/a")
            dropped = {"http-log": {"not_delivered": 1}}
            await until(lambda: clients["logs"].counts.report()["dropped"] == dropped)
            assert server.seen[0][2]["authorization"] == "Basic Ym9iOnBAc3M="
    lines = [JsonFormatter({}).format(one) for one in caplog.records if one.levelno > logging.DEBUG]
    text = "\n".join(lines)
    assert "the response's status is 500" in text
    for secret in ("p%40ss", "p@ss", "Ym9i", "secret", "hidden", "covert"):
        assert secret not in text


async def test_an_endpoint_that_is_away_costs_requests_nothing_and_gets_all_when_it_is_back() -> (
    None
):
    server = LogServer()
    server.status = 503
    server.hangs = asyncio.Event()
    async with endpoint(server.respond) as url, Clients() as clients:
        config = {"http_endpoint": url, "queue": {"max_retry_delay": 0.05}}
        async with policy_gateway(("http-log", config), **clients) as gateway:
            for place in range(20):
                assert (await gateway.ask(f"/{place}")).status == 200
            await until(lambda: len(server.seen) == 1)
            server.hangs.set()
            await until(lambda: len(server.seen) > 3)
            server.status = 200
            sent = {"http-log": 20}
            await until(lambda: clients["logs"].counts.report()["sent"] == sent)
            uris = list(dict.fromkeys(body["request"]["uri"] for *_, body in server.seen))
            assert uris == [f"/{place}" for place in range(20)]


async def test_a_certificate_is_verified_where_that_is_wanted(tmp_path: Path) -> None:
    server = LogServer()
    context, ca = server_tls(tmp_path)
    async with endpoint(server.respond, context) as url, Clients() as clients:
        config = {"http_endpoint": url, "ssl_verify": False, "queue": {"max_retry_time": 0}}
        strict = {**config, "ssl_verify": True}
        async with policy_gateway(("http-log", config), **clients) as gateway:
            await gateway.ask("/lenient")
            await until(lambda: server.seen)
        async with policy_gateway(("http-log", strict), **clients) as gateway:
            await gateway.ask("/strict")
            await until(lambda: clients["logs"].counts.report()["dropped"])
        async with policy_gateway(("http-log", strict), **clients, trusted_ca=ca) as gateway:
            await gateway.ask("/trusted")
            await until(lambda: len(server.seen) == 2)
    assert [body["request"]["uri"] for *_, body in server.seen] == ["/lenient", "/trusted"]


async def test_a_certificate_that_is_not_there_is_refused() -> None:
    config = {"http_endpoint": "http://a/", "client_certificate": {"id": number("none")}}
    with pytest.raises(ReleaseRefused, match="there is no certificate"):
        async with policy_gateway(("http-log", config)):
            pass
