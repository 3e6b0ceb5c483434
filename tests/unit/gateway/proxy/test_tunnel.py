# SPDX-License-Identifier: Apache-2.0
"""WebSocket handshakes over real sockets, and the tunnel behind a 101."""

from __future__ import annotations

import asyncio
import os
import ssl
from functools import partial
from typing import Any

import pytest

from gateway.data_plane.counters import RouteCounters
from gateway.errors import RequestRejected
from gateway.http.limits import Limits
from gateway.http.messages import Request, Response
from gateway.pem import load_chain
from gateway.plugins.base import AccessResult, Handler
from gateway.plugins.chain import Chain
from tests.support.authority import client_context, shared_pair
from tests.support.http import Wire, get, passing, until
from tests.support.upstream import ProxyApp, Script, answering, ok, proxying, take, upstream
from tests.support.waiting import PATIENCE

HANDSHAKE = get(
    b"/chat",
    b"Connection: keep-alive, Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"Sec-WebSocket-Version: 13",
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n"


class ChainApp(ProxyApp):
    """Runs handlers before the upstream, counts, and keeps what was reported."""

    def __init__(self, port: int, *handlers: Handler, **service: Any) -> None:
        super().__init__(port, **service)
        self._chain = Chain(handlers, partial(self.proxy.forward, self.upstream))
        self.counters = RouteCounters()

    def begin(self, request: Request) -> int | Response:
        request.chain = self._chain
        return super().begin(request)

    def finished(self, request: Request, response: Response, written: int) -> None:
        super().finished(request, response, written)
        self.counters.count(request, response, written)
        self._chain.log(request, response)


class Plugin(Handler):
    """Base of the handlers here, which need no settings."""

    def __init__(self) -> None:
        super().__init__(None, None)  # type: ignore[arg-type]  # not used


def echoing(seen: list[bytes] | None = None, behind: bytes = b"") -> Script:
    """Switch, say ``behind`` in the same packet, then send all bytes back to their end."""

    async def script(wire: Wire) -> None:
        head, _ = await take(wire)
        if seen is not None:
            seen.append(head)
        await wire.send(SWITCHED + behind)
        while piece := await wire.reader.read(65536):
            await wire.send(piece)
        wire.writer.write_eof()
        await wire.reader.read()

    return script


async def switched(wire: Wire) -> dict[str, str]:
    """Shake hands; return the headers of the response."""
    await wire.send(HANDSHAKE)
    status, headers, _ = await wire.head()
    assert status == 101
    return headers


async def exactly(wire: Wire, number: int) -> bytes:
    return await asyncio.wait_for(wire.reader.readexactly(number), PATIENCE)


async def test_bytes_go_both_ways_after_a_101() -> None:
    seen: list[bytes] = []
    async with upstream(echoing(seen)) as origin:
        app = ChainApp(origin.port)
        async with proxying(app) as running:
            wire = await running.connect()
            headers = await switched(wire)
            assert headers["upgrade"].lower() == "websocket"
            assert headers["connection"] == "Upgrade"
            assert "content-length" not in headers
            for text in (b"hello", b"GET / HTTP/1.1\r\n\r\n", b"\x00\xff"):
                await wire.send(text)
                assert await exactly(wire, len(text)) == text
            assert app.done == []
            assert running.server.connections == 1
    lines = seen[0].split(b"\r\n")
    assert b"Connection: keep-alive, Upgrade" in lines
    assert b"Upgrade: websocket" in lines
    assert b"sec-websocket-version: 13" in lines


async def test_bytes_behind_the_handshake_and_behind_the_101_arrive_in_order() -> None:
    async with (
        upstream(echoing(behind=b"welcome ")) as origin,
        proxying(ChainApp(origin.port)) as running,
    ):
        wire = await running.connect()
        await wire.send(HANDSHAKE + b"early ")
        await wire.send(b"later")
        assert (await wire.head())[0] == 101
        assert await exactly(wire, 19) == b"welcome early later"


async def test_a_pipelined_handshake_waits_for_the_responses_before_it() -> None:
    async def script(wire: Wire) -> None:
        head, _ = await take(wire)
        if b"Upgrade" not in head:
            await wire.send(ok(b"first"))
            head, _ = await take(wire)
        await wire.send(SWITCHED)
        await wire.send(await wire.reader.readexactly(5))

    async with upstream(script) as origin, proxying(ChainApp(origin.port)) as running:
        wire = await running.connect()
        await wire.send(get() + HANDSHAKE + b"early")
        assert (await wire.response()).body == b"first"
        assert (await wire.head())[0] == 101
        assert await wire.rest() == b"early"


async def test_behind_a_handshake_that_the_upstream_declines_nothing_is_handled() -> None:
    seen: list[tuple[bytes, bytes]] = []
    async with (
        upstream(answering(ok(b"no", b"Upgrade: h2c"), seen)) as origin,
        proxying(ChainApp(origin.port)) as running,
    ):
        wire = await running.connect()
        await wire.send(HANDSHAKE + get(b"/next"))
        first = await wire.response()
        assert (first.status, first.body) == (200, b"no")
        assert first.headers["connection"] == "close"
        assert "upgrade" not in first.headers
        assert await wire.rest() == b""
    assert [head.split()[1] for head, _ in seen] == [b"/chat"]


async def test_the_upgrade_of_a_refusal_is_kept_when_it_is_the_one_asked_for() -> None:
    refusal = b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n"
    async with (
        upstream(answering(refusal)) as origin,
        proxying(ChainApp(origin.port)) as running,
    ):
        asked = await running.once(HANDSHAKE)
        plain = await running.once(get())
    assert (asked.status, asked.headers["upgrade"]) == (426, "websocket")
    assert asked.headers["connection"] == "close, Upgrade"
    assert "upgrade" not in plain.headers
    assert plain.headers["connection"] == "keep-alive"


@pytest.mark.parametrize("response", [b"", SWITCHED.replace(b"WebSocket", b"h2c"), SWITCHED[:40]])
async def test_an_upstream_that_closes_or_switches_elsewhere_is_a_502(response: bytes) -> None:
    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(response)

    async with upstream(script) as origin:
        app = ChainApp(origin.port)
        async with proxying(app) as running:
            wire = await running.connect()
            assert (await wire.ask(HANDSHAKE)).status == 502
            assert await wire.rest() == b""
        assert [status for _, status in app.done] == [502]


@pytest.mark.parametrize(
    "lines",
    [
        (b"Connection: Upgrade", b"Upgrade: h2c"),
        (b"Connection: Upgrade", b"Upgrade: websocket, h2c"),
        (b"Connection: Upgrade", b"Upgrade: websocket", b"Upgrade: h2c"),
        (b"Connection: keep-alive", b"Upgrade: websocket"),
        (b"Connection: Upgrade", b"Upgrade: websocket", b"Content-Length: 2"),
    ],
)
async def test_what_is_no_websocket_handshake_is_not_upgraded(lines: tuple[bytes, ...]) -> None:
    seen: list[tuple[bytes, bytes]] = []
    async with (
        upstream(answering(ok(), seen)) as origin,
        proxying(ChainApp(origin.port)) as running,
    ):
        wire = await running.connect()
        body = b"hi" if b"Content-Length: 2" in lines else b""
        await wire.send(get(b"/", *lines) + body)
        assert (await wire.response()).status == 200
    assert b"pgrade" not in seen[0][0]
    assert b"Connection: keep-alive\r\n" in seen[0][0]


async def test_the_end_of_the_clients_bytes_leaves_the_other_direction_open() -> None:
    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(SWITCHED)
        question = await wire.reader.read()
        await wire.send(b"you said " + question)

    async with upstream(script) as origin:
        app = ChainApp(origin.port)
        async with proxying(app) as running:
            wire = await running.connect()
            await switched(wire)
            await wire.send(b"all")
            wire.writer.write_eof()
            assert await wire.rest() == b"you said all"
            await until(lambda: app.done)
            await until(lambda: not running.server.connections)


async def test_the_end_of_the_upstreams_bytes_leaves_the_other_direction_open() -> None:
    heard: list[bytes] = []

    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(SWITCHED + b"bye")
        wire.writer.write_eof()
        heard.append(await wire.reader.read())

    async with upstream(script) as origin, proxying(ChainApp(origin.port)) as running:
        wire = await running.connect()
        await switched(wire)
        assert await wire.rest() == b"bye"
        await wire.send(b"last words")
        wire.writer.write_eof()
        await until(lambda: heard)
        await until(lambda: not running.server.connections)
    assert heard == [b"last words"]


@pytest.mark.parametrize("who", ["client", "upstream"])
async def test_a_side_that_takes_nothing_stops_the_other(who: str) -> None:
    """Far more is sent than sockets and buffers hold; nothing is lost, nothing piles up."""
    sent = os.urandom(1 << 20) * 24

    go = asyncio.Event()
    got: list[bytes] = []

    async def drink(wire: Wire) -> bytes:
        await go.wait()
        return await wire.rest()

    async def pour(wire: Wire) -> None:
        await wire.send(sent)
        wire.writer.write_eof()

    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(SWITCHED)
        if who == "upstream":
            got.append(await drink(wire))
        else:
            await pour(wire)
            await wire.reader.read()

    async with upstream(script) as origin, proxying(app := ChainApp(origin.port)) as running:
        wire = await running.connect()
        # The reader of the test client must not drink ahead: 64 KiB is its buffer.
        await switched(wire)
        work = asyncio.create_task(pour(wire) if who == "upstream" else drink(wire))
        sides = await _blocked(app)
        held = sum(side.get_write_buffer_size() for side in sides)
        assert 0 < held < 1 << 20
        go.set()
        result = await asyncio.wait_for(work, PATIENCE)
        await until(lambda: got or who == "client")
        assert (got[0] if who == "upstream" else result) == sent


async def _blocked(app: ProxyApp) -> list[asyncio.Transport]:
    """Wait until a side of the tunnel takes no more; return both transports."""
    connection: Any = app.begun[0].connection
    side: Any = connection.transport.get_protocol()
    await until(lambda: side.full or side.other.full)
    return [side.transport, side.other.transport]


async def test_a_tunnel_without_traffic_ends_after_the_read_timeout() -> None:
    async with upstream(echoing()) as origin:
        app = ChainApp(origin.port, read_timeout=1500)
        async with proxying(app) as running:
            wire = await running.connect()
            await switched(wire)
            started = asyncio.get_running_loop().time()
            for _ in range(4):
                # Traffic keeps it: together these take longer than the timeout.
                await wire.send(b"x")
                assert await exactly(wire, 1) == b"x"
                await passing(0.4)
            assert await wire.rest() == b""
            assert asyncio.get_running_loop().time() - started > 2.5
            await until(lambda: app.done)


async def test_a_silent_tunnel_is_no_idle_connection_and_no_unread_response() -> None:
    limits = Limits(idle_timeout=0.05, header_timeout=0.05, body_timeout=0.05)
    async with (
        upstream(echoing()) as origin,
        proxying(ChainApp(origin.port), limits=limits) as running,
    ):
        wire = await running.connect()
        await switched(wire)
        await passing(0.3)
        await wire.send(b"still here")
        assert await exactly(wire, 10) == b"still here"


async def test_draining_leaves_a_tunnel_until_its_deadline_then_cuts_and_logs_it() -> None:
    async with upstream(echoing()) as origin:
        app = ChainApp(origin.port)
        async with proxying(app) as running:
            wire = await running.connect()
            await switched(wire)
            drained = asyncio.create_task(running.server.drain(0.4))
            await wire.send(b"x")
            assert await exactly(wire, 1) == b"x"
            assert not drained.done()
            assert await drained is False
            assert [status for _, status in app.done] == [101]
            assert await wire.rest() == b""


@pytest.mark.parametrize("who", ["client", "upstream"])
async def test_a_tunnel_is_counted_and_logged_once_when_a_side_goes(who: str) -> None:
    class Log(Plugin):
        logged: list[int] = []

        def log(self, request: Request, response: Response) -> None:
            self.logged.append(response.status)

    gone: list[bool] = []

    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(SWITCHED)
        await wire.send(await wire.reader.readexactly(5))
        if who == "client":
            await wire.rest()
            gone.append(True)

    log = Log()
    log.logged = []
    async with upstream(script) as origin:
        app = ChainApp(origin.port, log)
        async with proxying(app) as running:
            wire = await running.connect()
            await wire.send(HANDSHAKE)
            status, _, head = await wire.head()
            await wire.send(b"hello")
            assert await exactly(wire, 5) == b"hello"
            assert log.logged == []
            if who == "client":
                wire.reset()
                await until(lambda: gone)
            else:
                assert await wire.rest() == b""
                await wire.close()
            await until(lambda: not running.server.connections)
            assert status == 101
            assert log.logged == [101]
            assert app.counters.codes == {-101: 1}
            assert app.counters.sent == len(head) + 5
            assert sum(app.counters.upstream) == 1
            assert app.proxy.pool.idle == 0


async def test_access_handlers_run_first_and_may_refuse() -> None:
    class Refuse(Plugin):
        def access(self, request: Request) -> AccessResult:
            if request.header(b"apikey") is None:
                raise RequestRejected(401, "No API key found in request")
            return None

    class Wait(Plugin):
        def access(self, request: Request) -> AccessResult:
            async def wait() -> None:
                await asyncio.sleep(0)

            return wait()

    async with upstream(echoing()) as origin:
        app = ChainApp(origin.port, Refuse(), Wait())
        async with proxying(app) as running:
            wire = await running.connect()
            refused = await wire.ask(HANDSHAKE)
            assert (refused.status, origin.connections) == (401, 0)
            wire = await running.connect()
            await wire.send(HANDSHAKE[:-2] + b"apikey: x\r\n\r\n" + b"early")
            assert (await wire.head())[0] == 101
            assert await exactly(wire, 5) == b"early"


async def test_a_header_filter_that_fails_responds_500_and_cuts_the_upstream() -> None:
    class Fail(Plugin):
        def header_filter(self, request: Request, response: Response) -> None:
            if response.status == 101:
                raise ValueError("on purpose")
            response.headers.append((b"X-Filtered", b"1"))

    gone: list[bytes] = []

    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(SWITCHED)
        gone.append(await wire.rest())

    async with (
        upstream(script) as origin,
        proxying(ChainApp(origin.port, Fail())) as running,
    ):
        assert (await running.once(HANDSHAKE)).status == 500
        await until(lambda: gone)


async def test_a_client_that_leaves_during_the_handshake_takes_the_upstream_with_it() -> None:
    class Wait(Plugin):
        def access(self, request: Request) -> AccessResult:
            async def wait() -> None:
                await asyncio.sleep(0)

            return wait()

    asked = asyncio.Event()
    gone: list[bytes] = []

    async def script(wire: Wire) -> None:
        await take(wire)
        asked.set()
        gone.append(await wire.rest())

    async with upstream(script) as origin:
        app = ChainApp(origin.port, Wait())
        async with proxying(app) as running:
            wire = await running.connect()
            await wire.send(HANDSHAKE)
            await asked.wait()
            connection: Any = app.begun[0].connection
            # Reading is paused, as behind every handshake: a cut shows when something is sent.
            connection.transport.abort()
            await until(lambda: gone)
            assert [status for _, status in app.done] == [499]


async def test_tls_on_both_sides_is_tunnelled_and_ends_with_either() -> None:
    pair = shared_pair("localhost")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(server, pair.certificate, pair.key)
    client = client_context(pair.certificate, None)
    async with upstream(echoing(), tls=server) as origin:
        app = ChainApp(origin.port, protocol="https", tls_verify=False)
        async with proxying(app, tls=server) as running:
            for _ in range(2):
                wire = await running.connect(client, "localhost")
                await wire.send(HANDSHAKE + b"early ")
                assert (await wire.head())[0] == 101
                sent = os.urandom(500_000)
                wire.writer.write(sent)
                assert await exactly(wire, len(sent) + 6) == b"early " + sent
                await wire.close()
                await until(lambda: not running.server.connections)
    assert [status for _, status in app.done] == [101, 101]
