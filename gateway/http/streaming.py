# SPDX-License-Identifier: Apache-2.0
"""Writing a response body that is still coming, at the pace of the client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from gateway.http.messages import ConnectionUpgrade, Request, Response
from gateway.http.stream import Channel

if TYPE_CHECKING:
    from gateway.http.replies import Replies


async def pump(connection: Replies, request: Request, response: Response, keep: bool) -> None:
    """Write head and body; report to the connection how it ended.

    A body that is shorter or longer than its Content-Length, or that raises, cuts the connection:
    the client must not take it for a whole one.
    """
    body = response.body
    assert not isinstance(body, bytes | ConnectionUpgrade)
    chain = request.chain
    filters = chain is not None and bool(chain.body_filters)
    if filters:
        response.headers = [h for h in response.headers if h[0].lower() != b"content-length"]
    length = _content_length(response)
    bodyless = request.method == b"HEAD" or response.status in (204, 304)
    if length is None and request.version != "1.1" and not bodyless:
        keep = False
    head = connection.context.heads.head(request, response, None, keep)
    written = len(head)
    try:
        connection.transport.write(head)
        if not bodyless:
            chunked = length is None and request.version == "1.1"
            pieces = _filtered(request, response, body) if filters else body
            written += await _copy(connection, pieces, length, chunked)
    except asyncio.CancelledError:
        connection.broken(request, response, written)
        raise
    except Exception as error:
        connection.context.log.warning(
            "response body broke off", request_id=request.id.decode(), error=str(error)
        )
        connection.broken(request, response, written)
    else:
        connection.streamed(request, response, written, keep)
    finally:
        close = getattr(body, "aclose", None)
        if close is not None:
            await close()


def discard(response: Response) -> None:
    """Tell who makes a body that nobody will read it."""
    body = response.body
    if isinstance(body, ConnectionUpgrade):
        body.abort()
    elif isinstance(body, Channel):
        body.close()


async def _copy(
    connection: Replies, pieces: AsyncIterator[bytes], length: int | None, chunked: bool
) -> int:
    """Write the pieces; return the bytes of body written, without framing."""
    transport = connection.transport
    total = 0
    async for piece in pieces:
        if not piece:
            continue
        total += len(piece)
        if length is not None and total > length:
            raise ValueError(f"body is longer than its Content-Length {length}")
        transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if connection.write_paused:
            await connection.drained()
    if length is not None and total < length:
        raise ValueError(f"body has {total} bytes but its Content-Length is {length}")
    if chunked:
        transport.write(b"0\r\n\r\n")
    return total


async def _filtered(
    request: Request, response: Response, body: AsyncIterator[bytes]
) -> AsyncIterator[bytes]:
    chain = request.chain
    assert chain is not None
    async for piece in body:
        yield chain.filter_body(request, response, piece, False)
    yield chain.filter_body(request, response, b"", True)


def _content_length(response: Response) -> int | None:
    for name, value in response.headers:
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return None
