# SPDX-License-Identifier: Apache-2.0
"""Proxying over real sockets: what goes up, what comes back, and what goes wrong."""

from __future__ import annotations

import asyncio
import socket
import ssl
from ipaddress import ip_network
from typing import Any

import pytest

from gateway.errors import ReleaseRefused
from gateway.http.forwarded import TrustedProxies
from gateway.http.heads import SERVER
from gateway.http.messages import Pending, Request
from gateway.pem import load_chain
from gateway.plugins.consumers import Consumers
from gateway.proxy.dns import DnsAnswer
from gateway.proxy.pool import Pool
from gateway.proxy.proxy import Proxy
from gateway.proxy.resolver import Resolver
from gateway.proxy.tls import UpstreamTls
from tests.support.authority import Authority
from tests.support.http import Wire, chunked, get, post, until
from tests.support.upstream import ProxyApp, answering, ok, proxying, take, upstream

_BAD_GATEWAY = b"An invalid response was received from the upstream server\n"


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
        return port


async def test_an_answer_comes_back_with_the_headers_of_the_proxy() -> None:
    response = ok(b"hi", b"X-Own: 1", b"Via: 1.0 x", b"Connection: x-hop", b"X-Hop: 1")
    async with upstream(answering(response)) as origin:
        app = ProxyApp(origin.port)
        async with proxying(app) as running:
            answer = await running.once(get(b"/a?b=c"))
    assert (answer.status, answer.body) == (200, b"hi")
    assert answer.headers["x-own"] == "1"
    assert answer.headers["via"] == f"1.0 x, 1.1 {SERVER.decode()}"
    assert answer.headers["server"] == SERVER.decode()
    assert answer.headers["connection"] == "keep-alive"
    assert "x-hop" not in answer.headers
    assert int(answer.headers["x-kong-upstream-latency"]) >= 0
    assert int(answer.headers["x-kong-proxy-latency"]) >= 0
    assert "x-kong-response-latency" not in answer.headers


async def test_the_upstream_keeps_its_server_and_date() -> None:
    date = b"Tue, 01 Jan 2030 00:00:00 GMT"
    response = ok(b"", b"Server: origin", b"Date: " + date, b"X-Kong-Request-Id: forged")
    async with (
        upstream(answering(response)) as origin,
        proxying(ProxyApp(origin.port)) as running,
    ):
        answer = await running.once(get())
    assert answer.headers["server"] == "origin"
    assert answer.headers["date"] == date.decode()
    assert answer.headers["x-kong-request-id"] != "forged"
    assert answer.head.count(b"Date:") == 1


def _lines(head: bytes) -> dict[str, str]:
    pairs = [line.decode().partition(": ") for line in head[:-4].split(b"\r\n")[1:]]
    return {name.lower(): value for name, _, value in pairs}


async def test_the_upstream_is_told_who_asks_and_not_what_is_for_one_hop() -> None:
    seen: list[tuple[bytes, bytes]] = []
    lines = [
        b"Connection: close, X-Hop",
        b"X-Hop: 1",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"TE: gzip, trailers",
        b"Via: 1.0 front",
        b"X-Forwarded-For: 6.6.6.6",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: evil",
        b"X-Forwarded-Path: /evil",
        b"X-Forwarded-Prefix: /evil",
        b"X-Real-IP: 6.6.6.6",
        b"X-Kong-Request-Id: forged",
        b"Proxy-Authorization: kept",
        b"Under_score: kept",
    ]
    async with (
        upstream(answering(ok(), seen)) as origin,
        proxying(ProxyApp(origin.port, prefix=b"/a")) as running,
    ):
        answer = await running.once(get(b"/a/b?c", *lines))
        port = running.port
    head = seen[0][0]
    assert head.startswith(b"GET /a/b?c HTTP/1.1\r\nHost: 127.0.0.1:")
    told = _lines(head)
    assert told["connection"] == "keep-alive"
    assert not {"x-hop", "keep-alive", "proxy-connection"} & told.keys()
    assert told["te"] == "trailers"
    assert told["via"] == f"1.0 front, 1.1 {SERVER.decode()}"
    assert told["x-forwarded-for"] == "6.6.6.6, 127.0.0.1"
    assert told["x-forwarded-proto"] == "http"
    assert told["x-forwarded-host"] == "a"
    assert told["x-forwarded-port"] == str(port)
    assert told["x-forwarded-path"] == "/a/b"
    assert told["x-forwarded-prefix"] == "/a"
    assert told["x-real-ip"] == "127.0.0.1"
    assert told["x-kong-request-id"] == answer.headers["x-kong-request-id"]
    assert told["proxy-authorization"] == "kept"
    assert told["under_score"] == "kept"
    assert head.lower().count(b"x-forwarded-proto") == 1


class _Identifying(ProxyApp):
    """Sets headers as plugins do before it passes a request on."""

    def handle(self, request: Request) -> Pending:
        Consumers([CONSUMER]).anonymous("guest").put_on(request)  # type: ignore[union-attr]
        request.put_headers([(b"x-correlation-id", b"ours")])
        return super().handle(request)


CONSUMER = {"id": "c-guest", "username": "guest", "custom_id": "7"}
SET = [
    *(b"X-Anonymous-Consumer", b"X-Consumer-Id", b"X-Consumer-Username", b"X-Consumer-Custom-Id"),
    *(b"X-Correlation-Id", b"X-Real-IP", b"X-Forwarded-For", b"X-Forwarded-Proto"),
    *(b"X-Forwarded-Host", b"X-Forwarded-Port", b"X-Forwarded-Path", b"X-Forwarded-Prefix"),
    *(b"X-Kong-Request-Id", b"Host", b"Via", b"Content-Length", b"Connection"),
]


@pytest.mark.parametrize("name", [*SET, b", ".join(SET), b" ,\t".join(SET).upper()])
async def test_a_client_cannot_have_a_header_removed_that_the_gateway_sets(name: bytes) -> None:
    seen: list[tuple[bytes, bytes]] = []
    lines = [b"Connection: keep-alive, " + name, b"Connection: " + name]
    lines += [b"X-Correlation-Id: eve", b"X_Correlation_Id: eve", b"X-Real_IP: 6.6.6.6"]
    lines += [b"x_forwarded_for: 6.6.6.6", b"X_Kong_Request_Id: eve", b"X-Consumer-Id: eve"]
    async with (
        upstream(answering(ok(), seen)) as origin,
        proxying(_Identifying(origin.port, prefix=b"/a")) as running,
    ):
        await running.once(post(b"body", *lines, path=b"/a/b"))
    told = _lines(seen[0][0])
    assert {one.decode().lower() for one in SET} <= told.keys()
    assert told["x-consumer-id"] == "c-guest"
    assert told["x-correlation-id"] == "ours"
    assert not [one for one in told if "_" in one]
    assert b"eve" not in seen[0][0]
    assert b"6.6.6.6" not in seen[0][0]


async def test_the_word_of_a_trusted_peer_is_passed_on() -> None:
    seen: list[tuple[bytes, bytes]] = []
    lines = [b"X-Forwarded-Proto: https", b"X-Forwarded-Host: shop", b"X-Forwarded-Path: /p"]
    lines += [b"X-Real-IP: 9.9.9.9", b"X-Forwarded-Prefix: /q", b"X-Forwarded-Port: 443"]
    trusted = TrustedProxies([ip_network("127.0.0.1")])
    async with (
        upstream(answering(ok(), seen)) as origin,
        proxying(ProxyApp(origin.port), trusted=trusted) as running,
    ):
        await running.once(get(b"/a", *lines))
    told = _lines(seen[0][0])
    assert told["x-forwarded-proto"] == "https"
    assert told["x-forwarded-host"] == "shop"
    assert told["x-forwarded-path"] == "/p"
    assert told["x-forwarded-prefix"] == "/q"
    assert told["x-forwarded-port"] == "443"
    assert told["x-real-ip"] == told["x-forwarded-for"] == "9.9.9.9"


async def test_preserve_host_sends_the_hosts_own_bytes() -> None:
    seen: list[tuple[bytes, bytes]] = []
    async with upstream(answering(ok(), seen)) as origin:
        app = ProxyApp(origin.port, route={"preserve_host": True})
        async with proxying(app) as running:
            await running.once(b"GET / HTTP/1.1\r\nHost: ExAmple:81\r\n\r\n")
    assert b"\r\nHost: ExAmple:81\r\n" in seen[0][0]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("whole", [post(b"body"), chunked(b"bo", b"dy")])
async def test_a_body_goes_up(stream: bool, whole: bytes) -> None:
    seen: list[tuple[bytes, bytes]] = []
    async with (
        upstream(answering(ok(), seen)) as origin,
        proxying(ProxyApp(origin.port, stream=stream)) as running,
    ):
        wire = await running.connect()
        for _ in range(3):
            assert (await wire.ask(whole)).body == b"hi"
    assert [body for _, body in seen] == [b"body"] * 3


async def test_a_stream_goes_up_while_it_arrives() -> None:
    begun = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.reader.readuntil(b"\r\n\r\n")
        await wire.reader.readexactly(2)
        begun.set()
        await wire.reader.readexactly(2)
        await wire.send(ok())

    async with (
        upstream(script) as origin,
        proxying(ProxyApp(origin.port, stream=True)) as running,
    ):
        wire = await running.connect()
        await wire.send(post(b"body")[:-2])
        await asyncio.wait_for(begun.wait(), 5)
        assert (await wire.ask(b"dy")).body == b"hi"


async def test_a_large_stream_passes_both_ways_unchanged() -> None:
    payload = bytes(range(256)) * 16384

    async def script(wire: Wire) -> None:
        _, body = await take(wire)
        await wire.send(ok(body))

    async with (
        upstream(script) as origin,
        proxying(ProxyApp(origin.port, stream=True)) as running,
    ):
        wire = await running.connect()
        sending = asyncio.create_task(wire.send(post(payload)))
        assert (await wire.answer()).body == payload
        await sending


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1\r\nh\r\n1\r\ni\r\n0\r\nT: u\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + ok(),
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok(),
    ],
)
async def test_other_framings_come_back_whole_and_the_connection_is_kept(response: bytes) -> None:
    async with (
        upstream(answering(response)) as origin,
        proxying(ProxyApp(origin.port)) as running,
    ):
        wire = await running.connect()
        for _ in range(3):
            answer = await wire.ask(get())
            assert (answer.status, answer.body) == (200, b"hi")
    assert origin.connections == 1


async def test_an_answer_that_ends_with_its_connection_comes_back_whole() -> None:
    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(b"HTTP/1.1 200 OK\r\n\r\nh")
        await asyncio.sleep(0.01)
        await wire.send(b"i")
        wire.writer.write_eof()
        await wire.rest()

    async with upstream(script) as origin, proxying(ProxyApp(origin.port)) as running:
        assert (await running.once(get())).body == b"hi"


async def test_a_slow_stream_comes_back_piece_by_piece() -> None:
    go = asyncio.Event()

    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await go.wait()
        await wire.send(b"cd")

    async with upstream(script) as origin, proxying(ProxyApp(origin.port)) as running:
        wire = await running.connect()
        await wire.send(get())
        status, headers, _ = await wire.head()
        assert (status, headers["content-length"]) == (200, "4")
        assert await wire.reader.readexactly(2) == b"ab"
        go.set()
        assert await wire.reader.readexactly(2) == b"cd"


async def test_head_and_304_have_no_body_but_keep_the_length() -> None:
    async def script(wire: Wire) -> None:
        while True:
            head, _ = await take(wire)
            if head.startswith(b"HEAD"):
                await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
            else:
                await wire.send(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n")

    async with upstream(script) as origin, proxying(ProxyApp(origin.port)) as running:
        wire = await running.connect()
        for _ in range(2):
            answer = await wire.ask(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", bodyless=True)
            assert answer.headers["content-length"] == "99"
            answer = await wire.ask(get())
            assert (answer.status, answer.headers["etag"]) == (304, "x")
    assert origin.connections == 1


async def test_a_refused_connection_is_a_502_after_all_tries() -> None:
    async with proxying(ProxyApp(_closed_port(), retries=2)) as running:
        answer = await running.once(get())
        assert (answer.status, answer.body) == (502, _BAD_GATEWAY)
        assert "x-kong-response-latency" in answer.headers


@pytest.mark.parametrize(
    ("whole", "stream", "attempts"),
    [
        (get(), False, 4),
        (b"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", False, 4),
        (post(b"x"), False, 1),
        (post(b"x").replace(b"POST", b"PUT"), False, 4),
        (post(b"x").replace(b"POST", b"PUT"), True, 1),
    ],
)
async def test_only_what_may_be_sent_twice_is_sent_again(
    whole: bytes, stream: bool, attempts: int
) -> None:
    async def script(wire: Wire) -> None:
        await take(wire)

    async with (
        upstream(script) as origin,
        proxying(ProxyApp(origin.port, stream=stream, retries=3)) as running,
    ):
        answer = await running.once(whole)
        assert (answer.status, answer.body) == (502, _BAD_GATEWAY)
    assert origin.connections == attempts


async def test_a_kept_connection_that_was_closed_is_not_used_again() -> None:
    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(ok())

    async with upstream(script) as origin:
        app = ProxyApp(origin.port)
        async with proxying(app) as running:
            for _ in range(3):
                assert (await running.once(post(b"x"))).status == 200
                await until(lambda: app.proxy.pool.idle == 0)


@pytest.mark.parametrize(
    "response",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200000,
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    ],
)
async def test_nonsense_is_a_502(response: bytes) -> None:
    async with (
        upstream(answering(response)) as origin,
        proxying(ProxyApp(origin.port)) as running,
    ):
        assert (await running.once(get())).status == 502


async def test_bytes_behind_an_answer_never_reach_another_client() -> None:
    async with (
        upstream(answering(ok(b"mine") + ok(b"evil"))) as origin,
        proxying(ProxyApp(origin.port)) as running,
    ):
        for _ in range(3):
            assert (await running.once(get())).body == b"mine"
    assert origin.connections == 3


async def test_an_answer_cut_short_is_not_taken_for_a_whole_one() -> None:
    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        await asyncio.sleep(0.05)

    async with upstream(script) as origin, proxying(ProxyApp(origin.port)) as running:
        wire = await running.connect()
        await wire.send(get())
        await wire.head()
        assert await wire.rest() == b"half"


async def test_a_silent_upstream_is_a_504() -> None:
    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.rest()

    async with (
        upstream(script) as origin,
        proxying(ProxyApp(origin.port, read_timeout=100, retries=3)) as running,
    ):
        answer = await running.once(get(b"/", b"Accept: */*"))
        assert answer.status == 504
        assert answer.body == b'{"message":"The upstream server is timing out"}'
    assert origin.connections == 1


async def test_an_upstream_that_never_accepts_is_a_504() -> None:
    async def script(wire: Wire) -> None:
        await wire.rest()

    # A TLS handshake that is never answered stands in for a connect that never returns.
    async with upstream(script) as origin:
        app = ProxyApp(origin.port, protocol="https", connect_timeout=100)
        async with proxying(app) as running:
            assert (await running.once(get())).status == 504


async def test_an_upstream_that_does_not_read_is_a_504() -> None:
    async def script(wire: Wire) -> None:
        await asyncio.Event().wait()

    async with upstream(script) as origin:
        app = ProxyApp(origin.port, stream=True, write_timeout=100)
        async with proxying(app) as running:
            wire = await running.connect()
            sending = asyncio.create_task(wire.send(post(bytes(64 << 20))))
            assert (await wire.answer()).status == 504
            sending.cancel()


async def test_a_slow_client_is_not_the_upstreams_timeout() -> None:
    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(ok())

    async with upstream(script) as origin:
        app = ProxyApp(origin.port, stream=True, write_timeout=50, read_timeout=2000)
        async with proxying(app) as running:
            wire = await running.connect()
            await wire.send(post(b"body")[:-2])
            await asyncio.sleep(0.2)
            assert (await wire.ask(b"dy")).status == 200


async def test_a_name_that_does_not_resolve_is_a_503() -> None:
    async def lookup(host: str) -> DnsAnswer:
        raise socket.gaierror

    proxy = Proxy(asyncio.get_running_loop(), resolver=Resolver(lookup=lookup))
    async with proxying(ProxyApp(80, host="nowhere.test", proxy=proxy)) as running:
        answer = await running.once(get())
        assert answer.status == 503
        assert answer.body == b'{"message":"name resolution failed"}'


async def test_a_client_that_leaves_closes_the_upstream_connection() -> None:
    gone = asyncio.Event()
    asked = asyncio.Event()

    async def script(wire: Wire) -> None:
        await take(wire)
        asked.set()
        await wire.rest()
        gone.set()

    async with upstream(script) as origin, proxying(ProxyApp(origin.port)) as running:
        wire = await running.connect()
        await wire.send(get())
        await asyncio.wait_for(asked.wait(), 5)
        wire.reset()
        await asyncio.wait_for(gone.wait(), 5)


async def test_a_client_that_leaves_a_stream_closes_the_upstream_connection() -> None:
    gone = asyncio.Event()

    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nab")
        await wire.rest()
        gone.set()

    async with upstream(script) as origin, proxying(ProxyApp(origin.port)) as running:
        wire = await running.connect()
        await wire.send(get())
        await wire.head()
        wire.reset()
        await asyncio.wait_for(gone.wait(), 5)


async def test_a_client_that_does_not_read_stops_the_upstream() -> None:
    sent = 0

    async def script(wire: Wire) -> None:
        nonlocal sent
        await take(wire)
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        while True:
            await wire.send(bytes(65536))
            sent += 65536

    async with (
        upstream(script) as origin,
        proxying(ProxyApp(origin.port, read_timeout=50)) as running,
    ):
        wire = await running.connect()
        wire.reader._transport.pause_reading()  # type: ignore[attr-defined]  # our client
        await wire.send(get())
        last = -1
        while sent != last:
            last = sent
            await asyncio.sleep(0.15)
        assert 0 < sent < 64 << 20
        assert running.server.connections == 1, "a slow client is no upstream timeout"
        wire.reset()


def _server_context(authority: Authority, client: bool = False) -> ssl.SSLContext:
    pair = authority.issue("origin.test", server=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(context, pair.certificate, pair.key)
    if client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=authority.pem)
    return context


@pytest.mark.parametrize(
    ("service", "status"),
    [
        ({"ca_certificates": ["ca"], "client_certificate": "client"}, 200),
        ({"tls_verify": False, "client_certificate": "client"}, 200),
        ({"client_certificate": "client"}, 502),
        ({"ca_certificates": ["other"], "client_certificate": "client"}, 502),
        ({"ca_certificates": ["ca"]}, 502),
    ],
)
async def test_tls_is_verified_and_shows_the_client_certificate(
    service: dict[str, Any], status: int
) -> None:
    authority, other = Authority(), Authority("other")
    client = authority.issue("gateway")
    tls = UpstreamTls(
        {"client": (client.certificate, client.key)}.get,
        {"ca": authority.pem, "other": other.pem}.get,
    )

    async def lookup(host: str) -> DnsAnswer:
        assert host == "origin.test"
        return DnsAnswer(["127.0.0.1"], 30)

    proxy = Proxy(asyncio.get_running_loop(), resolver=Resolver(lookup=lookup))
    async with upstream(answering(ok()), _server_context(authority, client=True)) as origin:
        app = ProxyApp(
            origin.port, host="origin.test", protocol="https", proxy=proxy, tls=tls, **service
        )
        async with proxying(app) as running:
            assert (await running.once(get())).status == status


def test_missing_certificates_refuse_the_release_by_name() -> None:
    tls = UpstreamTls()
    row = {"name": "s", "client_certificate": "c-1"}
    with pytest.raises(ReleaseRefused, match="service s: certificate c-1"):
        tls.context(row)
    with pytest.raises(ReleaseRefused, match="ca_certificate c-2"):
        tls.context({"name": "s", "ca_certificates": ["c-2"]})
    with pytest.raises(ReleaseRefused, match="cannot be used"):
        UpstreamTls(lambda _: ("x", "y")).context(row)


async def test_a_connection_is_replaced_after_its_share_of_requests() -> None:
    proxy = Proxy(asyncio.get_running_loop(), pool=Pool(max_requests=2))
    async with (
        upstream(answering(ok())) as origin,
        proxying(ProxyApp(origin.port, proxy=proxy)) as running,
    ):
        wire = await running.connect()
        for _ in range(4):
            assert (await wire.ask(get())).status == 200
    assert origin.connections == 2
