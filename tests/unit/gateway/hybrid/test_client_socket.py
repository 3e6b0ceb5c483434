# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import ssl

import pytest

from gateway.errors import ClusterError
from gateway.hybrid.client_socket import Address, ClientSocket
from gateway.pem import load_chain
from tests.support.authority import client_context, shared_pair

NAME = "kong_clustering"


def address(server: asyncio.Server) -> Address:
    """Return where a server of a test listens."""
    return Address("127.0.0.1", server.sockets[0].getsockname()[1], NAME, "/v1/outlet")


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP status 404"),
        (b"", "closed the connection in the handshake"),
        (b"nonsense\r\n\r\n", "broke the WebSocket protocol"),
    ],
)
async def test_a_handshake_that_fails_says_why(response: bytes, error: str) -> None:
    pair = shared_pair(NAME)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(tls, *pair)

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response)
        writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0, ssl=tls)
    try:
        with pytest.raises(ClusterError, match=error):
            await ClientSocket.connect(
                address(server), client_context(pair.certificate, None), 1024
            )
    finally:
        server.close()
