# SPDX-License-Identifier: Apache-2.0
"""The client for what the gateway asks by itself, against real sockets."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from collections.abc import Callable, Iterator

import pytest
from aiohttp import web

from gateway.errors import OutgoingError
from gateway.outgoing.client import Fetch, Fetched, HttpClient, form
from gateway.outgoing.proxies import ForwardProxy
from gateway.pem import load_chain
from tests.support.certificates import self_signed
from tests.support.ports import free_ports
from tests.support.small_endpoint import endpoint

Respond = Callable[[web.Request], web.StreamResponse]


async def fetched(request: Fetch) -> Fetched:
    async with HttpClient() as http:
        return await http.fetch(request)


async def asked(respond: Respond, **fields: object) -> Fetched:
    async def responding(request: web.Request) -> web.StreamResponse:
        return respond(request)

    async with endpoint(responding) as url:
        return await fetched(Fetch(f"{url}/path", **fields))  # type: ignore[arg-type]  # a test


async def test_status_headers_and_body_come_back() -> None:
    response = await asked(lambda _: web.Response(status=418, text="short", headers={"X-A": "b"}))
    assert (response.status, response.body, response.headers["x-a"]) == (418, b"short", "b")


async def test_method_headers_and_body_go_out() -> None:
    def echo(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.method} {request.headers['X-A']}")

    response = await asked(echo, method="POST", headers=(("X-A", "b"),), body=form((("a", "ü&"),)))
    assert response.body == b"POST b"
    assert form((("a", "ü&"),)) == b"a=%C3%BC%26"


async def test_a_body_in_pieces_is_read_to_its_end() -> None:
    async def slowly(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (b'{"a":', b'"b"', b"}"):
            await response.write(piece)
            await asyncio.sleep(0.01)
        return response

    async with endpoint(slowly) as url:
        assert (await fetched(Fetch(url))).json_object() == {"a": "b"}


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_body_that_is_too_large_is_an_error(compressed: bool) -> None:
    body = b"x" * 100_000
    headers = {"Content-Encoding": "gzip"} if compressed else {}
    with pytest.raises(OutgoingError, match="larger than 1000 bytes"):
        await asked(
            lambda _: web.Response(
                body=gzip.compress(body) if compressed else body, headers=headers
            ),
            largest=1000,
        )


async def test_redirects_are_not_followed() -> None:
    found = await asked(lambda _: web.Response(status=302, headers={"Location": "/x"}))
    assert found.status == 302


async def test_cookies_are_not_kept() -> None:
    seen = []

    async def respond(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        return web.Response(headers={"Set-Cookie": "a=b"})

    async with endpoint(respond) as url, HttpClient() as http:
        await http.fetch(Fetch(url))
        await http.fetch(Fetch(url))
    assert seen == [None, None]


async def test_a_silent_peer_costs_the_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(OutgoingError, match=r"no response within 0\.05 s"):
            await fetched(Fetch(f"http://127.0.0.1:{port}/", timeout=0.05))


async def test_a_peer_that_is_gone_is_named_without_credentials() -> None:
    (port,) = free_ports(1)
    with pytest.raises(OutgoingError) as caught:
        await fetched(Fetch(f"http://user:secret@127.0.0.1:{port}/a?token=secret"))
    assert str(caught.value).startswith(f"http://127.0.0.1:{port}/a: ")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "http://", "nonsense", "ftp://a.test/", "http://[::1/"])
async def test_a_url_that_is_none_is_an_error(url: str) -> None:
    with pytest.raises(OutgoingError):
        await fetched(Fetch(url))


def test_secrets_are_not_shown() -> None:
    shown = repr(Fetch("http://a", headers=(("A", "secret"),), body=b"secret"))
    assert "secret" not in shown


async def test_a_proxy_is_asked_with_its_credentials() -> None:
    async def relay(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.path_qs} {request.headers['Proxy-Authorization']}")

    async with endpoint(relay) as url:
        proxy = ForwardProxy(url, "Basic abc")
        response = await fetched(Fetch("http://no.test/b", proxy=proxy))
    assert response.body == b"/b Basic abc"


@pytest.fixture(scope="module")
def server_tls() -> Iterator[ssl.SSLContext]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(context, *self_signed("outgoing"))
    yield context


async def test_an_unknown_certificate_is_refused_unless_nothing_is_verified(
    server_tls: ssl.SSLContext,
) -> None:
    async def respond(_: web.Request) -> web.Response:
        return web.Response(text="secure")

    async with endpoint(respond, server_tls) as url:
        with pytest.raises(OutgoingError, match="certificate"):
            await fetched(Fetch(url))
        assert (await fetched(Fetch(url, verify=False))).body == b"secure"


async def test_equal_requests_at_once_share_a_response() -> None:
    asked = 0
    go = asyncio.Event()

    async def respond(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        await go.wait()
        return web.Response()

    async with endpoint(respond) as url, HttpClient() as http:
        first = asyncio.create_task(http.shared(Fetch(url)))
        others = [asyncio.create_task(http.shared(Fetch(url))) for _ in range(9)]
        await asyncio.sleep(0)
        # One that goes away does not take the others' response along.
        first.cancel()
        go.set()
        responses = await asyncio.gather(*others)
        assert [response.status for response in responses] == [200] * 9
        assert asked == 1
        await http.shared(Fetch(url))
        assert asked == 2


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (200, b"[]"), (200, b"{"), (204, b"")])
def test_only_a_200_with_an_object_is_one(status: int, body: bytes) -> None:
    with pytest.raises(OutgoingError, match="http://a"):
        Fetched(status, {}, body, "http://a").json_object()
