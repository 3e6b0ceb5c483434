# SPDX-License-Identifier: Apache-2.0
"""Deliveries to real sockets: the status comes back, and connections are kept where they may be."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from gateway.errors import OutgoingError
from gateway.outgoing.client import Fetch, HttpClient
from gateway.outgoing.delivery import CONNECTIONS
from gateway.outgoing.proxies import ForwardProxy
from tests.support.logging import server_tls, until
from tests.support.small_endpoint import endpoint
from tests.support.waiting import PATIENCE

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Sink:
    """A server that answers every request with the same bytes; each request and connection noted.

    ``closes``: the connection ends with the answer.
    """

    answer: bytes = OK
    closes: bool = False
    url: str = ""
    connections: int = 0
    open: int = 0
    most: int = 0
    bodies: list[bytes] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(length))
                await self.gate.wait()
                writer.write(self.answer)
                if self.closes:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def sink(
    answer: bytes = OK,
    *,
    closes: bool = False,
    held: bool = False,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Sink]:
    made = Sink(answer, closes)
    if not held:
        made.gate.set()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        scheme = "http" if tls is None else "https"
        made.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}/in"
        yield made
        made.gate.set()


def post(url: str, body: bytes = b"{}", **more: object) -> Fetch:
    return Fetch(url, "POST", body=body, timeout=PATIENCE, **more)  # type: ignore[arg-type]  # a test


async def test_method_path_headers_and_body_go_out_and_the_status_comes_back() -> None:
    seen: list[tuple[str, str, str | None, str, bytes]] = []

    async def respond(request: web.Request) -> web.Response:
        names = request.headers
        body = await request.read()
        seen.append((request.method, request.path_qs, names.get("X-A"), names["Host"], body))
        return web.Response(status=418, text="short")

    async with endpoint(respond) as url, HttpClient() as http:
        large = b"x" * 1_000_000
        request = post(f"{url}/a%20b/ü?c=d", large, headers=(("X-A", "ü"),))
        assert await http.deliver(request) == 418
        fetched = await http.fetch(request)
    assert fetched.status == 418
    host = url.partition("://")[2]
    expected = ("POST", "/a%20b/%C3%BC?c=d", "ü", host, large)
    # What the client for everything sends is the same.
    assert seen == [expected, expected]


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + OK,
    ],
)
async def test_a_connection_is_used_again_after_a_whole_response(answer: bytes) -> None:
    async with sink(answer) as server, HttpClient() as http:
        statuses = [await http.deliver(post(server.url, b"%d" % place)) for place in range(3)]
        assert set(statuses) <= {200, 204}
        assert server.bodies == [b"0", b"1", b"2"]
        assert server.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        OK + OK,
    ],
)
async def test_no_connection_is_used_again_that_ends_or_says_too_much(answer: bytes) -> None:
    async with sink(answer, closes=not answer.startswith(OK)) as server, HttpClient() as http:
        assert [await http.deliver(post(server.url)) for _ in range(3)] == [200] * 3
        assert server.connections == 3


async def test_a_connection_that_the_server_closed_meanwhile_is_not_used() -> None:
    async with sink(closes=True) as server, HttpClient() as http:
        for _ in range(3):
            assert await http.deliver(post(server.url)) == 200
            await until(lambda: server.open == 0)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200"])
async def test_what_a_kept_connection_lost_without_a_word_is_sent_again_on_another(
    said: bytes,
) -> None:
    bodies: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            for answer in (OK, said):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                bodies.append(await reader.readexactly(length))
                writer.write(answer)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, HttpClient() as http:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert await http.deliver(post(url, b"a")) == 200
        if said:
            with pytest.raises(OutgoingError, match="the connection was closed"):
                await http.deliver(post(url, b"b"))
            assert bodies == [b"a", b"b"]
        else:
            assert await http.deliver(post(url, b"b")) == 200
            assert bodies == [b"a", b"b", b"b"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"SSH-2.0\r\n", "the response is no HTTP"),
        (
            b"HTTP/1.1 101 Switching\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n",
            "another protocol",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + b"x" * 20, "larger than 10 bytes"),
        (b"HTTP/1.1 200 OK\r\nConte", "the connection was closed"),
        (b"", "the connection was closed"),
    ],
)
async def test_what_is_no_response_is_an_error_with_its_place(answer: bytes, reason: str) -> None:
    async with sink(answer, closes=True) as server, HttpClient() as http:
        with pytest.raises(OutgoingError, match=reason) as caught:
            await http.deliver(post(server.url + "?secret", largest=10))
        assert str(caught.value).startswith(f"{server.url}: ")


async def test_a_server_that_is_not_there_or_does_not_answer_is_an_error() -> None:
    async with sink(held=True) as server, HttpClient() as http:
        url = server.url
        with pytest.raises(OutgoingError, match=r"no response within 0\.05 s"):
            await http.deliver(Fetch(url, "POST", body=b"", timeout=0.05))
        server.gate.set()
        await until(lambda: server.open == 0)
    async with HttpClient() as http:
        with pytest.raises(OutgoingError, match="refused"):
            await http.deliver(post(url))


@pytest.mark.parametrize("value", ["a\r\nX-B: c", "a\nb", "a\0b"])
async def test_a_header_never_becomes_several(value: str) -> None:
    async with sink() as server, HttpClient() as http:
        with pytest.raises(OutgoingError, match="several lines"):
            await http.deliver(post(server.url, headers=(("X-A", value),)))
        assert not server.connections


async def test_many_at_once_wait_for_their_turn() -> None:
    async with sink(held=True) as server, HttpClient() as http:
        many = 3 * CONNECTIONS
        tasks = [asyncio.create_task(http.deliver(post(server.url))) for _ in range(many)]
        await until(lambda: server.open == CONNECTIONS)
        # One that does not want to wait any more does not take a place along.
        tasks.pop().cancel()
        tasks.pop(0).cancel()
        server.gate.set()
        statuses = await asyncio.gather(*tasks)
        assert statuses == [200] * (many - 2)
        assert server.most <= CONNECTIONS


async def test_who_gives_up_as_the_response_comes_takes_no_other_request_along() -> None:
    async with sink() as server, HttpClient() as http:
        first = asyncio.create_task(http.deliver(post(server.url)))
        # The connection is free again before the one who waited for the response goes on.
        while not http._deliveries._pool.idle:  # noqa: ASYNC110  # each turn is looked at
            await asyncio.sleep(0)
        first.cancel()
        assert await http.deliver(post(server.url)) == 200
        with pytest.raises(asyncio.CancelledError):
            await first
        assert server.connections == 1


async def test_a_response_before_the_end_of_the_request_ends_the_connection() -> None:
    connections = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await gone.wait()
        writer.close()

    gone = asyncio.Event()
    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server, HttpClient() as http:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        body = bytes(64 * 1024 * 1024)
        assert [await http.deliver(post(url, body)) for _ in range(2)] == [413, 413]
        assert connections == 2
        gone.set()


async def test_tls_is_verified_by_the_given_authority(tmp_path: Path) -> None:
    tls, ca = server_tls(tmp_path)
    async with sink(tls=tls) as server, HttpClient() as http:
        with pytest.raises(OutgoingError, match="certificate"):
            await http.deliver(post(server.url))
        for _ in range(2):
            assert await http.deliver(post(server.url, ca=ca)) == 200
        assert await http.deliver(post(server.url, verify=False)) == 200
        # Whom one trusts is no other's business: no connection is shared.
        assert len(server.bodies) == 3
        assert server.open == 2


async def test_a_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with sink() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        async with HttpClient() as http:
            assert await http.deliver(post("http://sink.example/in")) == 200
            assert proxy.heads[0].startswith(b"POST http://sink.example/in HTTP/1.1\r\n")
            async with sink() as server:
                assert await http.deliver(post(server.url, proxy=ForwardProxy(""))) == 200
                assert len(server.bodies) == 1
        assert len(proxy.bodies) == 1


async def test_a_user_in_the_url_and_http_1_0_are_left_to_the_client_for_everything() -> None:
    async with sink(closes=True) as server, HttpClient() as http:
        url = server.url.replace("://", "://a:b@")
        assert await http.deliver(post(url)) == 200
        assert b"authorization: basic ytpi" in server.heads[0].lower()
        assert await http.deliver(post(server.url, http_1_0=True)) == 200
        assert server.heads[1].startswith(b"POST /in HTTP/1.0\r\n")
