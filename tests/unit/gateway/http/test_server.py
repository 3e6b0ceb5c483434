# SPDX-License-Identifier: Apache-2.0
"""Draining, filters, forwarding headers and TLS, over real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest

from gateway.errors import ReleaseRefused
from gateway.http.forwarded import TrustedProxies
from gateway.http.generated_responses import fixed_response
from gateway.http.limits import Limits
from gateway.http.messages import Pending, Request, Response
from gateway.http.server import Server
from gateway.http.tls import Certificates, self_signed
from gateway.plugins.base import Handler
from gateway.plugins.chain import Chain
from tests.support.authority import Authority, client_context
from tests.support.http import App, get, serving, text, until

_CONTEXT: Any = None


async def test_draining_answers_what_is_under_way_and_closes_the_rest() -> None:
    pending = Pending()
    app = App(lambda request: pending if request.path == b"/slow" else text(200, b"ok"))
    async with serving(app) as running:
        idle, busy = await running.connect(), await running.connect()
        assert (await idle.ask(get())).status == 200
        await busy.send(get(b"/slow"))
        await until(lambda: len(app.seen) == 2)
        draining = asyncio.create_task(running.server.drain(5))
        assert await idle.rest() == b""
        with pytest.raises(OSError, match=r".*"):
            await running.connect()
        pending.resolve(text(200, b"late"))
        answer = await busy.answer()
        assert answer.body == b"late"
        assert answer.headers["connection"] == "close"
        assert await busy.rest() == b""
        assert await draining


async def test_a_drain_ends_at_its_deadline() -> None:
    app = App(lambda _: Pending())
    async with serving(app) as running:
        wire = await running.connect()
        await wire.send(get())
        await until(lambda: app.seen)
        assert not await running.server.drain(0.05)
        assert await wire.rest() == b""


class _Filter(Handler):
    def header_filter(self, request: Request, response: Response) -> None:
        response.status = 207
        response.headers.append((b"X-Added", b"1"))

    def body_filter(self, request: Request, response: Response, chunk: bytes, last: bool) -> bytes:
        return chunk.upper() + (b"!" if last else b"")


async def _pieces() -> AsyncIterator[bytes]:
    yield b"a"
    yield b"b"


@pytest.mark.parametrize("kind", ["whole", "streamed", "fixed"])
async def test_filters_change_head_and_body_of_every_kind_of_answer(kind: str) -> None:
    chain = Chain([_Filter(None, _CONTEXT)])

    def begin(request: Request) -> int | Response:
        request.chain = chain
        return fixed_response(404, "ab", request) if kind == "fixed" else 1000

    headers = [(b"Content-Length", b"2")]
    app = App(
        lambda _: text(200, b"ab") if kind == "whole" else Response(200, headers, _pieces()),
        begin=begin,
    )
    async with serving(app) as running:
        wire = await running.connect()
        for _ in range(3):
            answer = await wire.ask(get())
            assert answer.status == 207
            assert answer.headers["x-added"] == "1"
            expected = b'{"MESSAGE":"AB"}!' if kind == "fixed" else b"AB!"
            assert answer.body == expected


async def test_line_ends_in_a_header_value_do_not_split_the_answer() -> None:
    evil = b"a\r\nSet-Cookie: b\r\n\r\nbody"
    app = App(lambda _: Response(200, [(b"X-Echo", evil)], b"ok"))
    async with serving(app) as running:
        answer = await running.once(get())
        assert answer.headers["x-echo"] == "a  Set-Cookie: b    body"
        assert "set-cookie" not in answer.headers
        assert answer.body == b"ok"


async def test_a_filter_that_raises_is_a_500() -> None:
    class Bad(Handler):
        def header_filter(self, request: Request, response: Response) -> None:
            raise RuntimeError("bug")

    def begin(request: Request) -> int:
        request.chain = Chain([Bad(None, _CONTEXT)])
        return 1000

    async with serving(App(begin=begin)) as running:
        assert (await running.once(get())).status == 500


@pytest.mark.parametrize(
    ("headers", "present"),
    [
        (("server_tokens", "latency_tokens", "X-Kong-Request-Id"), {"server", "lat", "id"}),
        (("off",), set()),
        (("server_tokens",), {"server"}),
        (("X-Kong-Response-Latency",), {"lat"}),
        (("X-Kong-Request-Id",), {"id"}),
    ],
)
async def test_own_headers_can_be_switched(headers: tuple[str, ...], present: set[str]) -> None:
    names = {"server": "server", "lat": "x-kong-response-latency", "id": "x-kong-request-id"}

    app = App(begin=lambda request: fixed_response(404, "x", request))
    async with serving(app, headers=headers) as running:
        wire = await running.connect()
        for _ in range(2):
            answer = await wire.ask(get())
            assert {key for key, name in names.items() if name in answer.headers} == present


def test_an_unknown_header_setting_names_the_allowed_ones() -> None:
    with pytest.raises(ValueError, match="server_tokens"):
        Server(App(), headers=("x-kong-nonsense",))


@pytest.mark.parametrize(
    ("networks", "options", "lines", "expected"),
    [
        ((), {}, [b"X-Real-IP: 9.9.9.9"], "127.0.0.1"),
        (("10.0.0.0/8",), {}, [b"X-Real-IP: 9.9.9.9"], "127.0.0.1"),
        (("127.0.0.1",), {}, [b"X-Real-IP: 9.9.9.9"], "9.9.9.9"),
        (("0.0.0.0/0", "::/0"), {}, [b"X-Real-IP: ::ffff:9.9.9.9"], "9.9.9.9"),
        (("127.0.0.0/8",), {}, [b"X-Real-IP: nonsense"], "127.0.0.1"),
        (
            ("127.0.0.0/8", "10.0.0.0/8"),
            {"real_ip_header": "X-Forwarded-For"},
            [b"X-Forwarded-For: 8.8.8.8, 10.1.1.1"],
            "10.1.1.1",
        ),
        (
            ("127.0.0.0/8", "10.0.0.0/8"),
            {"real_ip_header": "X-Forwarded-For", "recursive": True},
            [b"X-Forwarded-For: 7.7.7.7", b"X-Forwarded-For: 8.8.8.8:99, 10.1.1.1"],
            "8.8.8.8",
        ),
    ],
)
async def test_only_a_trusted_peer_says_who_the_client_is(
    networks: tuple[str, ...], options: dict[str, Any], lines: list[bytes], expected: str
) -> None:
    app = App()
    trusted = TrustedProxies(map(ip_network, networks), **options)
    async with serving(app, trusted=trusted) as running:
        wire = await running.connect()
        for _ in range(2):
            await wire.ask(get(b"/", *lines))
        assert [request.client_ip for request in app.seen] == [expected] * 2


async def test_a_trusted_peer_says_scheme_host_and_port() -> None:
    app = App()
    lines = [b"X-Forwarded-Proto: HTTPS", b"X-Forwarded-Host: b", b"X-Forwarded-Port: 444"]
    for networks in (("127.0.0.1",), ()):
        async with serving(app, trusted=TrustedProxies(map(ip_network, networks))) as running:
            await running.once(get(b"/", *lines))
    told, kept = app.seen
    assert (told.forwarded_proto, told.forwarded_host, told.forwarded_port) == (
        "https",
        b"b",
        444,
    )
    assert (kept.forwarded_proto, kept.forwarded_host) == ("http", None)
    assert kept.forwarded_port == running.port


async def test_the_certificate_follows_the_sni_and_can_be_swapped_while_serving() -> None:
    authority = Authority()
    certificates = Certificates(self_signed())

    def rows(*names: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        pairs = [(name, authority.issue(name.replace("*", "x"), server=True)) for name in names]
        rows = [{"id": n, "cert": p.certificate, "key": p.key} for n, p in pairs]
        return rows, [{"name": n, "certificate": n} for n in names]

    client = client_context(authority.pem, None)
    app = App()
    async with serving(app, tls=certificates.context) as running:
        with pytest.raises(ssl.SSLCertVerificationError):
            await running.connect(client, "one.test")
        certificates.swap(certificates.prepare(*rows("one.test", "*.two.test")))
        first = await running.connect(client, "one.test")
        assert (await first.ask(get())).status == 200
        assert app.seen[0].connection.sni == "one.test"
        assert app.seen[0].connection.scheme == "https"
        second = await running.connect(client, "x.two.test")
        assert (await second.ask(get())).status == 200
        certificates.swap(certificates.prepare([], []))
        with pytest.raises(ssl.SSLCertVerificationError):
            await running.connect(client, "one.test")
        assert (await first.ask(get())).status == 200


def test_certificates_that_cannot_be_used_are_refused_by_name() -> None:
    certificates = Certificates(self_signed())
    row = {"id": "c-1", "cert": "nonsense", "key": "nonsense"}
    with pytest.raises(ReleaseRefused, match="c-1"):
        certificates.prepare([row], [])
    with pytest.raises(ReleaseRefused, match="c-2"):
        certificates.prepare([], [{"name": "a", "certificate": "c-2"}])


async def test_a_tls_client_that_speaks_plain_http_is_turned_away() -> None:
    certificates = Certificates(self_signed())
    async with serving(App(), tls=certificates.context) as running:
        wire = await running.connect()
        await wire.send(get())
        assert not (await wire.rest()).startswith(b"HTTP/1.1 200")


async def test_handshakes_under_way_are_counted_and_cost_one_another_their_place() -> None:
    authority = Authority()
    pair = authority.issue("one.test", server=True)
    certificates = Certificates((pair.certificate, pair.key))
    async with serving(App(), Limits(max_connections=8), tls=certificates.context) as running:
        silent = [await running.connect() for _ in range(40)]
        for wire in silent[:32]:
            assert await wire.rest() == b""
        wire = await running.connect(client_context(authority.pem, None), "one.test")
        assert (await wire.ask(get())).status == 200


async def test_draining_ends_handshakes_under_way() -> None:
    certificates = Certificates(self_signed())
    async with serving(App(), tls=certificates.context) as running:
        wire = await running.connect()
        assert await running.server.drain(5.0)
        assert await wire.rest() == b""


async def test_lines_for_the_answer_go_with_whatever_is_answered() -> None:
    async def streamed() -> AsyncIterator[bytes]:
        yield b"piece"

    def handle(request: Request) -> Response:
        request.response_lines += b"\r\nRateLimit-Limit: 5\r\nRateLimit-Reset: 1"
        if request.path == b"/fixed":
            return fixed_response(404, "nothing here", request)
        return text(200, b"whole") if request.path == b"/whole" else Response(200, [], streamed())

    async with serving(App(handle)) as running:
        wire = await running.connect()
        for path in (b"/fixed", b"/fixed", b"/whole", b"/streamed"):
            answer = await wire.ask(get(path))
            told = answer.headers["ratelimit-limit"], answer.headers["ratelimit-reset"]
            assert told == ("5", "1")
            assert answer.body
        await wire.close()
