# SPDX-License-Identifier: Apache-2.0
"""The request path in one process without sockets: bytes in, bytes out, nothing of the kernel.

For counting instructions and for profilers. Records end where they would be handed to librdkafka,
and are acknowledged at once; what plugins ask others is answered at once; everything before and
after that is what a worker does. Heads never repeat: each has a ``traceparent`` of its own, of
which one in a hundred says that its trace is recorded.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import orjson

from bench.cases import API_KEY, bearer_token
from bench.gateway import configuration, publications
from bench.subjects.floor import NOT_FOUND
from gateway.data_plane.counters import Counters
from gateway.data_plane.worker.application import GatewayApplication
from gateway.data_plane.worker.compile import compile_configuration
from gateway.data_plane.worker.process import collect_seldom
from gateway.data_plane.worker.snapshot import Snapshot, WorkerResources
from gateway.documents.deck import load_deck
from gateway.documents.document import to_table
from gateway.http.clock import Clock
from gateway.http.context import Context
from gateway.http.heads import HeadWriter
from gateway.http.limits import Limits
from gateway.http.protocol import HttpProtocol
from gateway.kafka.pool import ProducerPool
from gateway.outgoing.client import Fetch, Fetched, HttpClient
from gateway.outgoing.connection import ConnectionKey, OutgoingConnection
from gateway.plugins.logging.queue import BatchQueue, QueueLimits, Send
from gateway.plugins.logging.sinks import LogSinks
from gateway.proxy.proxy import Proxy

_PORT = 9
BODY = b'{"order":"%012d","customer":"c-%08d","items":["' + b"x" * 180 + b'"]}'
_PLAIN = (
    b"Host: gateway.example.com\r\nUser-Agent: bench/1\r\nAccept: */*\r\n"
    b"traceparent: 00-%032x-%016x-%02x\r\n"
)
_EDGE = (
    b"Host: gateway.example.com\r\nUser-Agent: okhttp/4.12.0\r\nAccept: application/json\r\n"
    b"Accept-Encoding: gzip\r\nX-Forwarded-For: 203.0.113.17\r\nX-Forwarded-Proto: https\r\n"
    b"X-Forwarded-Port: 443\r\nX-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678\r\n"
    b"traceparent: 00-%032x-%016x-%02x\r\nAuthorization: Bearer " + b"t" * 300 + b"\r\n"
)
HEADS = {"plain": _PLAIN, "edge": _EDGE}
PATHS = {
    "404": b"/none",
    "proxied": b"/echo",
    "produce": b"/sync",
    "policies": b"/guarded",
    "jwt": b"/token",
    "openid-connect": b"/openid",
    "key-auth": b"/keyed",
    "prometheus": b"/metered",
    "file-log": b"/filed",
    "http-log": b"/posted",
    "opentelemetry": b"/traced",
}
_WITH_KEY = ("policies", "key-auth", "prometheus")
_WITH_TOKEN = ("jwt", "openid-connect")
_BOTH_HEADS = ("404", "proxied", "produce", "policies")
CASES = tuple(
    f"{path}, {head}" for path in PATHS for head in HEADS if head == "plain" or path in _BOTH_HEADS
)
_TURN = 64
"""Requests between which the loop goes on, as it does between what connections have sent."""
_WARM_UP = 200
COUNTED = "PyRun_StringFlags"
"""What CPython calls to run a text."""


def requests(case: str, first: int, count: int) -> Iterator[bytes]:
    """Yield the bytes of so many requests, no two alike."""
    path, _, head = case.partition(", ")
    for number in range(first, first + count):
        lines = HEADS[head] % (number * 7919 + 1, number + 1, number % 100 == 0)
        if path in ("404", "proxied"):
            yield b"GET %b HTTP/1.1\r\n%b\r\n" % (PATHS[path], lines)
            continue
        body = BODY % (number, number)
        if path in _WITH_KEY:
            lines += b"apikey: %b\r\n" % API_KEY.encode()
        if path in _WITH_TOKEN:
            lines += b"Authorization: Bearer %b\r\n" % bearer_token().encode()
        yield (
            b"POST %b HTTP/1.1\r\n%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (PATHS[path], lines, len(body), body)
        )


class _Sink:
    """In place of a producer: every record is acknowledged at once."""

    log = SimpleNamespace(record=None)
    watch = SimpleNamespace(log=log)

    last_token = 0

    def __init__(self) -> None:
        self.sent = 0

    def watch_tokens(self, since: int, take: Any, *more: Any) -> None:
        """Tell nobody where records are written."""

    def declare(self, topic: str) -> None:
        """Take any topic."""

    def send(self, topic: str, value: bytes, key: Any, headers: Any, report: Any) -> None:
        """Acknowledge a record."""
        self.sent += 1
        report(None)


class _Transport(asyncio.Transport):
    """Keeps nothing of what is written but the beginnings."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[bytes] = []
        """The first words of each response."""

    @property
    def written(self) -> int:
        """How many responses there were."""
        return len(self.statuses)

    def write(self, data: Any) -> None:
        """Keep the status."""
        self.statuses.append(data[:12])

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the addresses of a socket."""
        return {"peername": ("192.0.2.1", 50000), "sockname": ("192.0.2.2", 8000)}.get(name)

    def is_closing(self) -> bool:
        """Return False."""
        return False

    def get_write_buffer_size(self) -> int:
        """Return 0: the client reads."""
        return 0


class _UpstreamTransport(_Transport):
    """A connection to an upstream that answers each request as soon as the loop goes on."""

    answer = b"HTTP/1.1 200 OK\r\n" + NOT_FOUND.partition(b"\r\n")[2]

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: OutgoingConnection) -> None:
        super().__init__()
        self._loop = loop
        self._connection = connection

    def write(self, data: Any) -> None:
        """Answer."""
        self._loop.call_soon(self._connection.data_received, self.answer)


def connected_proxy(loop: asyncio.AbstractEventLoop) -> Proxy:
    """Return a proxy with as many idle connections to the upstream as requests go at once."""
    proxy = Proxy(loop)
    key = ConnectionKey("127.0.0.1", _PORT, None)
    for _ in range(_TURN + 1):
        upstream = OutgoingConnection(key, loop, on_idle=proxy.pool.give, on_gone=proxy.pool.forget)
        upstream.connection_made(_UpstreamTransport(loop, upstream))
        proxy.pool.give(upstream)
    return proxy


class _Others(HttpClient):
    """In place of a client: what an OpenID provider publishes, and 200 for all else."""

    async def fetch(self, request: Fetch) -> Fetched:
        """Answer."""
        published = publications(_PORT).get(urlsplit(request.url).path, {})
        return Fetched(200, {}, orjson.dumps(published))

    async def deliver(self, request: Fetch) -> int:
        """Take it."""
        return 200


class _Sinks(LogSinks):
    """Queues whose batches end by number alone: with time, each run would have others."""

    def __init__(self) -> None:
        super().__init__()
        self._made: list[BatchQueue] = []

    def queue(self, key: Hashable, plugin: str, limits: QueueLimits, send: Send) -> BatchQueue:
        """Return the queue."""
        made = super().queue(key, plugin, replace(limits, coalescing=3600.0), send)
        self._made.append(made)
        return made

    def fill(self) -> None:
        """Have entries made that wait for others."""
        for queue in self._made:
            for fill in queue.fills:
                fill()


@dataclass(frozen=True)
class Connection:
    """What takes bytes of clients, where responses go, where records go, and log entries."""

    take: Callable[[bytes], None]
    transport: _Transport
    sink: _Sink
    logs: _Sinks

    async def send(self, made: Iterable[bytes]) -> None:
        """Send requests; return when what is logged of them is on its way."""
        for number, data in enumerate(made, 1):
            self.take(data)
            if number % _TURN == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0)
        # Or they count in whichever case runs when their time is over, and imports for them too.
        self.logs.fill()

    async def warm_up(self, case: str) -> None:
        """Send a few requests of a case; the first alone, for which a provider may be asked."""
        first, *others = requests(case, 0, _WARM_UP)
        self.take(first)
        while not self.transport.statuses:  # noqa: ASYNC110  # what is waited for is bytes
            await asyncio.sleep(0.001)
        await self.send(others)


async def connection() -> Connection:
    """Return connections, used in turn, to a worker that serves all cases."""
    loop = asyncio.get_running_loop()
    sink = _Sink()
    producers = ProducerPool(loop)
    producers.get = lambda config: sink  # type: ignore[assignment,method-assign,return-value]  # a stand-in
    kafka = {
        "bootstrap.servers": "127.0.0.1:9092",
        "sasl.username": "u",
        "sasl.password": "p",
        "security.protocol": "SASL_PLAINTEXT",
    }
    document = configuration(10, _PORT, kafka, "t")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "kong.json"
        file.write_bytes(orjson.dumps(document))
        table = to_table(load_deck(file, {}, {}), "bench", 0)
    compiled = compile_configuration(orjson.dumps(table), "h" * 32, {})
    counters, logs = Counters(), _Sinks()
    proxy = connected_proxy(loop)
    resources = WorkerResources(counters, producers, proxy, http=_Others(), logs=logs)
    snapshot = await Snapshot.build(compiled, Snapshot.empty(), resources)
    application = GatewayApplication(counters)
    application.serve(snapshot)
    context = Context(application, Limits(), HeadWriter(Clock()), loop)
    transport = _Transport()
    clients = [HttpProtocol(context) for _ in range(_TURN)]
    for client in clients:
        client.connection_made(transport)
    in_turn = cycle([client.data_received for client in clients])
    return Connection(lambda data: next(in_turn)(data), transport, sink, logs)


async def run(case: str, count: int) -> float:
    """Send so many requests of a case; return CPU microseconds of one."""
    client = await connection()
    await client.warm_up(case)
    made = list(requests(case, _WARM_UP, count))
    since = time.process_time()
    await client.send(made)
    await client.logs.close(60)
    return (time.process_time() - since) / count * 1e6


def run_counted(cases: Sequence[str], count: int) -> None:
    """Send so many requests of each case from within a call of the C function ``COUNTED``.

    So a tool can tell what is counted by the name of a function: the last calls of it, one for
    each case.
    """
    with asyncio.Runner() as runner:
        clients = {case: runner.run(connection()) for case in cases}
        for case, client in clients.items():
            # Before all others, since what is imported late runs texts as well.
            runner.run(client.warm_up(case))
        # As in a worker: a look through everything there is would be a third of what is counted.
        collect_seldom()
        gc.collect()
        gc.freeze()
        for case, client in clients.items():
            sending = client.send(list(requests(case, _WARM_UP, count)))
            exec("run(sending)", {"run": runner.run, "sending": sending})  # see COUNTED
        for client in clients.values():
            runner.run(client.logs.close(60))


if __name__ == "__main__":
    given = argparse.ArgumentParser(prog="python -m bench.in_process")
    given.add_argument("--counted", action="store_true", help=f"each within a call of {COUNTED}")
    given.add_argument("--count", type=int, default=20_000, help="requests of each case")
    given.add_argument("cases", nargs="*", default=CASES, help="all by default")
    options = given.parse_args()
    if options.counted:
        run_counted(options.cases, options.count)
    else:
        for one in options.cases:
            print(f"{one:24} {asyncio.run(run(one, options.count)):6.2f} µs")
