# SPDX-License-Identifier: Apache-2.0
"""The floor: uvloop and httptools with a constant answer; nothing can be done for less here.

Head and body are parsed and headers collected, since a server that does less could not route.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import Any

import httptools
import uvloop

BODY = b'{"message":"no Route matched with those values"}'
NOT_FOUND = (
    b"HTTP/1.1 404 Not Found\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
    b"Content-Type: application/json; charset=utf-8\r\nConnection: keep-alive\r\n"
    b"Content-Length: %d\r\nServer: floor\r\n\r\n%b" % (len(BODY), BODY)
)


class Floor(asyncio.Protocol):
    """Parses a request and answers what it was made with."""

    answer = NOT_FOUND

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def on_message_begin(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []

    def on_url(self, url: bytes) -> None:
        self.url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body.append(body)

    def on_message_complete(self) -> None:
        self.transport.write(self.answer)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)


async def serve(port: int, protocol: type[Floor]) -> None:
    """Serve for ever."""
    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    uvloop.run(serve(options.parse_args().port, Floor))
