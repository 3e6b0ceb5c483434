# SPDX-License-Identifier: Apache-2.0
"""A constant stream of requests from a process of its own, and what became of each.

``python -m tests.kubernetes.load ADDRESS PORT PATH RATE LEAST`` sends RATE requests a second, each
eighth of them on a connection of its own, the others on connections that stay; it goes on until
stdin ends and LEAST were sent. It says ``started``, and at the end what ``Counts`` holds, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tools.stubs.install import ROOT

SENDERS = 32
FRESH = 8
"""Every so many requests a connection is new and used once."""
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


@dataclass
class Counts:
    """What became of the requests; ``broken`` got no response, and say why."""

    statuses: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    """For how long requests were sent."""
    crossed: int = 0
    """How many were sent again, since a connection that had been used was closed meanwhile."""

    @property
    def sent(self) -> int:
        """All of them."""
        return self.statuses.total() + self.broken.total()

    @property
    def good(self) -> int:
        """Those that were acknowledged."""
        return sum(count for status, count in self.statuses.items() if status.startswith("2"))

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.sent / self.seconds if self.seconds else 0.0


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Load:
    """The stream of requests."""

    def __init__(self, address: str, port: int, path: str, rate: int, least: int) -> None:
        self._where = (address, port)
        self._kept = _request(address, path, "keep-alive")
        self._fresh = _request(address, path, "close")
        self._interval, self._least = SENDERS / rate, least
        self._begun = 0
        self.stopped = False
        self.counts = Counts()

    async def run(self) -> None:
        """Send until told to stop, and not before the least number was sent."""
        await asyncio.gather(*(self._sender(number) for number in range(SENDERS)))

    async def _sender(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        turn = loop.time() + self._interval * number / SENDERS
        kept: Streams | None = None
        while not self.stopped or self._begun < self._least:
            await asyncio.sleep(max(0.0, turn - loop.time()))
            # A sender that is late goes on from now: it never sends a heap at once.
            turn = max(turn + self._interval, loop.time())
            self._begun += 1
            try:
                if self._begun % FRESH == 0:
                    await self._exchange(await asyncio.open_connection(*self._where), self._fresh)
                else:
                    kept = await self._on_kept(kept)
            except (OSError, EOFError) as error:
                self.counts.broken[type(error).__name__] += 1
                kept = None

    async def _on_kept(self, kept: Streams | None) -> Streams | None:
        """Send on a connection that stays. One that the server closed meanwhile is left, and where
        the request crossed with the close, it is sent again, as HTTP clients do (RFC 9112, 9.3.1):
        had the server taken it, the topic would hold one record too many.
        """
        if kept is not None and not kept[0].at_eof():
            try:
                return await self._exchange(kept, self._kept)
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                if getattr(error, "partial", b""):
                    raise
                self.counts.crossed += 1
        if kept is not None:
            kept[1].close()
        return await self._exchange(await asyncio.open_connection(*self._where), self._kept)

    async def _exchange(self, streams: Streams, request: bytes) -> Streams | None:
        """Send one request; return the connection if it may be used again."""
        reader, writer = streams
        writer.write(request)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = LENGTH.search(head)
            await reader.readexactly(int(length.group(1)) if length else 0)
        except BaseException:
            writer.close()
            raise
        self.counts.statuses[head[9:12].decode()] += 1
        if request is self._kept and CLOSES.search(head) is None:
            return streams
        writer.close()
        return None


def _request(address: str, path: str, connection: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: {connection}\r\n\r\n".encode()


def main(arguments: list[str]) -> None:
    """Be the load."""
    address, port, path, rate, least = arguments
    load = Load(address, int(port), path, int(rate), int(least))

    def wait() -> None:
        sys.stdin.read()
        load.stopped = True

    threading.Thread(target=wait, daemon=True).start()
    _tell("started")
    asyncio.run(load.run())
    counts = load.counts
    _tell(json.dumps([counts.statuses, counts.broken, counts.crossed]))


def _tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def running(address: str, path: str, rate: int, least: int) -> Iterator[Counts]:
    """Send from another process until the block ends; the counts are complete after it."""
    words = (address, "80", path, str(rate), str(least))
    counts = Counts()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.kubernetes.load", *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "started\n"
            started = time.monotonic()
            yield counts
            said, _ = process.communicate(timeout=1200)
            counts.seconds = time.monotonic() - started
            statuses, broken, counts.crossed = json.loads(said)
            counts.statuses.update(statuses)
            counts.broken.update(broken)
        finally:
            process.kill()


if __name__ == "__main__":
    main(sys.argv[1:])
