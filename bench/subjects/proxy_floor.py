# SPDX-License-Identifier: Apache-2.0
"""The floor of proxying: what a request costs that is read, sent on, answered and read again.

uvloop and httptools on both sides, a pool of connections to one upstream, the head written anew
with the headers that were read; no routing, no deadlines, no limits, no plugins.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from typing import Any

import httptools
import uvloop

from bench.subjects.floor import Floor, serve


class Onward(asyncio.Protocol):
    """A connection to the upstream: one exchange at a time, then back into the pool."""

    def __init__(self, idle: list[Onward]) -> None:
        self.idle = idle

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def begin(self, request: bytes, caller: ProxyFloor) -> None:
        self.caller = caller
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.parser = httptools.HttpResponseParser(self)
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        self.idle.append(self)
        lines = b"".join(b"%b: %b\r\n" % header for header in self.headers)
        status = self.parser.get_status_code()
        self.caller.transport.write(
            b"HTTP/1.1 %d OK\r\n%b\r\n%b" % (status, lines, b"".join(self.body))
        )


class ProxyFloor(Floor):
    """A connection of a client: each request goes to the upstream, its response comes back."""

    upstream: int
    idle: list[Onward] = []

    def on_message_complete(self) -> None:
        lines = b"".join(b"%b: %b\r\n" % header for header in self.headers)
        method = self.parser.get_method()
        head = b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, self.url, lines, b"".join(self.body))
        if self.idle:
            self.idle.pop().begin(head, self)
        else:
            self.connecting = asyncio.ensure_future(self._connect(head))

    async def _connect(self, head: bytes) -> None:
        _, onward = await asyncio.get_running_loop().create_connection(
            lambda: Onward(self.idle), "127.0.0.1", self.upstream
        )
        onward.begin(head, self)


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    ProxyFloor.upstream = int(os.environ["BENCH_UPSTREAM"])
    uvloop.run(serve(options.parse_args().port, ProxyFloor))
