# SPDX-License-Identifier: Apache-2.0
"""The request path in one process without sockets: bytes in, bytes out, nothing of the kernel.

For counting instructions and for profilers. Records end where they would be handed to librdkafka,
and are acknowledged at once; everything before and after that is what a worker does. Heads never
repeat: each has a ``traceparent`` of its own.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import orjson

from bench.cases import API_KEY, bearer_token
from bench.gateway import configuration
from gateway.data_plane.counters import Counters
from gateway.data_plane.worker.application import GatewayApplication
from gateway.data_plane.worker.compile import compile_configuration
from gateway.data_plane.worker.snapshot import Snapshot, WorkerResources
from gateway.documents.deck import load_deck
from gateway.documents.document import to_table
from gateway.http.clock import Clock
from gateway.http.context import Context
from gateway.http.heads import HeadWriter
from gateway.http.limits import Limits
from gateway.http.protocol import HttpProtocol
from gateway.kafka.pool import ProducerPool

BODY = b'{"order":"%012d","customer":"c-%08d","items":["' + b"x" * 180 + b'"]}'
_PLAIN = (
    b"Host: gateway.example.com\r\nUser-Agent: bench/1\r\nAccept: */*\r\n"
    b"traceparent: 00-%032x-%016x-01\r\n"
)
_EDGE = (
    b"Host: gateway.example.com\r\nUser-Agent: okhttp/4.12.0\r\nAccept: application/json\r\n"
    b"Accept-Encoding: gzip\r\nX-Forwarded-For: 203.0.113.17\r\nX-Forwarded-Proto: https\r\n"
    b"X-Forwarded-Port: 443\r\nX-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678\r\n"
    b"traceparent: 00-%032x-%016x-01\r\nAuthorization: Bearer " + b"t" * 300 + b"\r\n"
)
HEADS = {"plain": _PLAIN, "edge": _EDGE}
PATHS = {"404": b"/none", "produce": b"/sync", "policies": b"/guarded", "jwt": b"/token"}
CASES = tuple(f"{path}, {head}" for path in PATHS for head in HEADS)


def requests(case: str, first: int, count: int) -> Iterator[bytes]:
    """Yield the bytes of so many requests, no two alike."""
    path, _, head = case.partition(", ")
    for number in range(first, first + count):
        lines = HEADS[head] % (number * 7919 + 1, number + 1)
        if path == "404":
            yield b"GET %b HTTP/1.1\r\n%b\r\n" % (PATHS[path], lines)
            continue
        body = BODY % (number, number)
        if path == "policies":
            lines += b"apikey: %b\r\n" % API_KEY.encode()
        if path == "jwt":
            lines = lines.partition(b"Authorization")[0]
            lines += b"Authorization: Bearer %b\r\n" % bearer_token().encode()
        yield (
            b"POST %b HTTP/1.1\r\n%bContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (PATHS[path], lines, len(body), body)
        )


class _Sink:
    """In place of a producer: every record is acknowledged at once."""

    log = SimpleNamespace(record=None)
    watch = SimpleNamespace(log=log)

    def __init__(self) -> None:
        self.sent = 0

    def declare(self, topic: str) -> None:
        """Take any topic."""

    def send(self, topic: str, value: bytes, key: Any, headers: Any, report: Any) -> None:
        """Acknowledge a record."""
        self.sent += 1
        report(None)


class _Transport(asyncio.Transport):
    """Keeps nothing of what is written but how often."""

    written = 0

    def write(self, data: Any) -> None:
        """Count."""
        self.written += 1

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the addresses of a socket."""
        return {"peername": ("192.0.2.1", 50000), "sockname": ("192.0.2.2", 8000)}.get(name)

    def is_closing(self) -> bool:
        """Return False."""
        return False

    def get_write_buffer_size(self) -> int:
        """Return 0: the client reads."""
        return 0


async def connection() -> tuple[Callable[[bytes], None], _Transport, _Sink]:
    """Return what takes bytes of a client, where responses go, and where records go."""
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
    document = configuration(10, 9, kafka, "t")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "kong.json"
        file.write_bytes(orjson.dumps(document))
        table = to_table(load_deck(file, {}, {}), "bench", 0)
    compiled = compile_configuration(orjson.dumps(table), "h" * 32, {})
    counters = Counters()
    snapshot = await Snapshot.build(
        compiled, Snapshot.empty(), WorkerResources(counters, producers)
    )
    application = GatewayApplication(counters)
    application.serve(snapshot)
    protocol = HttpProtocol(Context(application, Limits(), HeadWriter(Clock()), loop))
    transport = _Transport()
    protocol.connection_made(transport)
    return protocol.data_received, transport, sink


async def run(case: str, count: int, *, idle: bool = False) -> float:
    """Send so many requests of a case, or only make them; return microseconds of one."""
    take, _, _ = await connection()
    for data in requests(case, 0, 200):
        take(data)
    made = list(requests(case, 200, count))
    since = time.perf_counter()
    if not idle:
        for data in made:
            take(data)
    return (time.perf_counter() - since) / max(count, 1) * 1e6


if __name__ == "__main__":
    print(asyncio.run(run(sys.argv[1], int(sys.argv[2]), idle="idle" in sys.argv)))
