# SPDX-License-Identifier: Apache-2.0
"""The load generator: one process, one core, keep-alive connections, requests rendered beforehand.

``python -m bench.generator`` reads an ``Order`` as JSON on stdin; writes ``begin`` and ``end``
lines around the measured window and then one JSON line, a ``Yield``, on stdout.

Two modes. Saturating: each connection sends its next request as soon as the last is answered;
that measures throughput. Constant rate: requests fall due by a clock that waits for nobody, and
each is timed from when it was due, not from when a connection was free to send it. A server that
stalls for a second so has a second's worth of late answers in its percentiles, not one
(coordinated omission).
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import itertools
import json
import os
import struct
import sys
import time
from array import array
from binascii import hexlify
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import uvloop

ACKNOWLEDGED, REFUSED = 1, 2
"""Bytes of the outcome file; 0 is a request that was never sent or never answered."""
_ABSOLUTE = 1
"""TFD_TIMER_ABSTIME."""
_JOIN = b"".join
_BLOCK = 256
_cut = struct.Struct("32s" * _BLOCK).unpack


@dataclass(frozen=True)
class Order:
    """What to send. ``paths`` are cycled through; ``size`` > 0 makes POSTs with a unique id.

    ``headers`` are lines that go with every request.
    """

    port: int
    connections: int
    seconds: float
    warm_up: float
    paths: list[str]
    size: int = 0
    prefix: str = ""
    rate: float = 0.0
    outcomes: str = ""
    limit: int = 10_000_000
    cores: list[int] = field(default_factory=list)
    headers: str = ""


@dataclass(frozen=True)
class Yield:
    """What came back within the measured window; latencies in milliseconds."""

    seconds: float
    answered: int
    statuses: dict[str, int]
    broken: int
    percentiles: dict[str, float]


class Run:
    """One order being carried out."""

    def __init__(self, order: Order, requests: Iterator[bytes]) -> None:
        self.order = order
        self.requests = requests
        self.outcomes = bytearray(order.limit if order.size else 0)
        self.latencies = array("d")
        self.statuses: Counter[bytes] = Counter()
        self.sent = 0
        self.broken = 0
        self.measuring = False
        self.stopped = False
        self.due: deque[float] = deque()
        self.idle: list[Sender] = []
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.busy = 0

    def next_for(self, sender: Sender) -> None:
        """Let a connection that is free go on."""
        if self.stopped or self.sent >= self.order.limit:
            self._rest(sender)
        elif not self.order.rate:
            self.send(sender, time.perf_counter())
        elif self.due:
            self.send(sender, self.due.popleft())
        else:
            self._rest(sender)

    def send(self, sender: Sender, since: float) -> None:
        """Send the next request; its latency counts from ``since``."""
        sender.since = since
        sender.number = self.sent
        self.sent += 1
        sender.transport.write(next(self.requests))

    def tick(self, now: float, count: int, interval: float) -> None:
        """Let ``count`` requests fall due, the last of them now."""
        for back in range(count - 1, -1, -1):
            self.due.append(now - back * interval)
        while self.due and self.idle:
            self.busy += 1
            self.send(self.idle.pop(), self.due.popleft())

    def answered(self, sender: Sender, status: bytes) -> None:
        """Note an answer and go on."""
        if self.measuring:
            self.latencies.append(time.perf_counter() - sender.since)
            self.statuses[status] += 1
        if self.order.size:
            self.outcomes[sender.number] = ACKNOWLEDGED if status[:1] == b"2" else REFUSED
        self.next_for(sender)

    def _rest(self, sender: Sender) -> None:
        self.idle.append(sender)
        self.busy -= 1
        if (self.stopped or self.sent >= self.order.limit) and self.busy == 0:
            self.end()

    def end(self) -> None:
        """Nothing more will come."""
        if not self.finished.done():
            self.finished.set_result(None)


class Sender(asyncio.Protocol):
    """One connection with at most one request under way."""

    __slots__ = ("_buffer", "_length_key", "number", "run", "since", "transport")

    def __init__(self, run: Run) -> None:
        self.run = run
        self.since = 0.0
        self.number = 0
        self._buffer = b""
        self._length_key = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.run.stopped:
            self.run.broken += 1
        self.run.busy -= 1
        if self.run.busy <= 0:
            self.run.end()

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        head = data.find(b"\r\n\r\n")
        if head < 0 or len(data) < head + 4 + self._length(data, head):
            self._buffer = data
            return
        self._buffer = b""
        self.run.answered(self, data[9:12])

    def _length(self, data: bytes, head: int) -> int:
        if not self._length_key:
            at = data[:head].lower().find(b"\r\ncontent-length:")
            if at < 0:
                raise SystemExit(f"an answer without content-length: {data[:head]!r}")
            self._length_key = data[at : at + 17]
        at = data.find(self._length_key, 0, head)
        return int(data[at + 17 : data.find(b"\r", at + 2)]) if at >= 0 else 0


def record_of(order: Order) -> tuple[bytes, bytes]:
    """Return what stands before and behind the ten digits of a body's number."""
    opening = f'{{"id":"{order.prefix}-'.encode()
    return opening, b'","pad":"' + b"x" * (order.size - len(opening) - 10 - 11) + b'"}'


def rendered(order: Order) -> Iterator[bytes]:
    """Return requests without end; those with a body have an id ``<prefix>-<number>`` in it.

    Each has a ``traceparent`` of its own, as behind a load balancer or a tracer: no server can
    gain by having seen a head before. What differs is drawn in blocks and joined with what does
    not, rendered beforehand, by functions in C.
    """
    common = f"HTTP/1.1\r\nHost: 127.0.0.1:{order.port}\r\n{order.headers}"
    repeat = itertools.repeat
    if not order.size:
        heads = [_head(f"GET {path} {common}Accept: */*\r\n") for path in order.paths]
        ends = _span_ids(b"\r\n")
        return map(_JOIN, zip(itertools.cycle(heads), trace_ids(), ends, strict=False))
    opening, closing = record_of(order)
    body = f"Content-Type: application/json\r\nContent-Length: {order.size}\r\n\r\n".encode()
    heads = [_head(f"POST {path} {common}") for path in order.paths]
    parts = zip(
        itertools.cycle(heads),
        trace_ids(),
        _span_ids(body + opening),
        map(b"%010d".__mod__, itertools.count()),
        repeat(closing),
        strict=False,
    )
    return map(_JOIN, parts)


def _head(lines: str) -> bytes:
    """Return the beginning of a head, up to where its trace id stands."""
    return f"{lines}traceparent: 00-".encode()


def _span_ids(behind: bytes) -> Iterator[bytes]:
    """Return the ends of ``traceparent`` and what stands behind: one in a hundred is sampled."""
    span = os.urandom(8).hex().encode()
    unsampled, sampled = (b"-%b-%b\r\n%b" % (span, flag, behind) for flag in (b"00", b"01"))
    return itertools.cycle([*[unsampled] * 99, sampled])


def trace_ids() -> Iterator[bytes]:
    """Return random trace ids without end: 32 lower-case hex characters (W3C Trace Context)."""
    blocks = map(os.urandom, itertools.repeat(16 * _BLOCK))
    return itertools.chain.from_iterable(map(_cut, map(hexlify, blocks)))


def start_clock(interval: float, tick: Callable[[float, int, float], None]) -> int:
    """Call ``tick(now, expirations, interval)`` from the loop; returns the timer's descriptor.

    A timerfd, since the loop's own timers are whole milliseconds: it counts the expirations that
    nobody was there to see, so that none is lost.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor: int = libc.timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK)
    # By absolute times, so that being interrupted here shifts nothing; perf_counter reads the same
    # clock, CLOCK_MONOTONIC.
    started = time.perf_counter()
    every, first = (divmod(round(when * 1e9), 10**9) for when in (interval, started + interval))
    spec = struct.pack("@qqqq", *every, *first)
    if descriptor < 0 or libc.timerfd_settime(descriptor, _ABSOLUTE, spec, None):
        raise OSError(ctypes.get_errno(), "timerfd")
    total = 0

    def expired() -> None:
        nonlocal total
        (count,) = struct.unpack("@Q", os.read(descriptor, 8))
        total += count
        tick(started + total * interval, count, interval)

    asyncio.get_running_loop().add_reader(descriptor, expired)
    return descriptor


def percentiles(latencies: array[float]) -> dict[str, float]:
    """Return p50, p90, p99, p99.9 and the maximum in milliseconds."""
    ordered = sorted(latencies)
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    if not ordered:
        return dict.fromkeys(shares, 0.0)
    last = len(ordered) - 1
    return {name: round(ordered[round(share * last)] * 1000, 3) for name, share in shares.items()}


async def carry_out(order: Order, announce: Callable[[str], None]) -> tuple[Yield, bytearray]:
    """Connect, warm up, measure, wait for what is under way; also return the outcome of each."""
    loop = asyncio.get_running_loop()
    run = Run(order, rendered(order))
    senders: list[Sender] = []
    for _ in range(order.connections):
        _, sender = await loop.create_connection(lambda: Sender(run), "127.0.0.1", order.port)
        senders.append(sender)
    clock = -1
    if order.rate:
        run.idle = senders
        clock = start_clock(1 / order.rate, run.tick)
    else:
        run.busy = len(senders)
        for sender in senders:
            run.next_for(sender)
    await asyncio.sleep(order.warm_up)
    run.measuring = True
    announce("begin")
    began = time.perf_counter()
    await asyncio.wait([run.finished], timeout=order.seconds)
    lasted = time.perf_counter() - began
    run.measuring = False
    announce("end")
    run.stopped = True
    if clock >= 0:
        loop.remove_reader(clock)
        os.close(clock)
    if run.busy > 0:
        await asyncio.wait([run.finished], timeout=15)
    broken = run.broken + max(run.busy, 0)
    for sender in senders:
        sender.transport.abort()
    await asyncio.sleep(0.05)
    statuses = {status.decode("latin-1"): count for status, count in run.statuses.items()}
    shares = percentiles(run.latencies)
    return Yield(lasted, len(run.latencies), statuses, broken, shares), run.outcomes[: run.sent]


def carry_on(order: Order, work: Callable[[Order, Callable[[str], None]], Any]) -> None:
    """Have an order carried out on its cores; write what came back."""

    def announce(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    if order.cores:
        os.sched_setaffinity(0, order.cores)
    gc.disable()
    result, outcomes = work(order, announce)
    if order.outcomes:
        Path(order.outcomes).write_bytes(outcomes)
    announce(json.dumps(asdict(result)))


if __name__ == "__main__":
    carry_on(Order(**json.load(sys.stdin)), lambda *given: uvloop.run(carry_out(*given)))
