# SPDX-License-Identifier: Apache-2.0
"""Writing a response body that is still coming, at the pace of the client."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway.errors import ProtocolError, UpstreamError
from gateway.http.client_connection import ConnectionUpgrade
from gateway.http.flow_control import FlowControl
from gateway.http.generated_responses import failure_response, message_of
from gateway.http.heads import HeadWriter
from gateway.http.messages import Request, Response
from gateway.http.response_lines import drop_length
from gateway.logs import get_logger

_log = get_logger("gateway.http")


class ResponseStream:
    """One response on its way: ``write`` once, then ``close``."""

    __slots__ = ("_flow", "_heads", "_request", "_response", "keep_alive", "written")

    def __init__(
        self,
        flow: FlowControl,
        heads: HeadWriter,
        request: Request,
        response: Response,
        keep_alive: bool,
    ) -> None:
        self._flow = flow
        self._heads = heads
        self._request = request
        self._response = response
        self.keep_alive = keep_alive
        """Whether another request may follow: ``write`` says no when only the end of the
        connection ends the body."""
        self.written = 0
        """Bytes of the head and of a body that was written to its end, without framing."""

    async def write(self) -> None:
        """Write head and body.

        Raises what the body raises, and ``ValueError`` when it is shorter or longer than its
        Content-Length: the connection must be cut then, or the client would take it for a whole
        one.
        """
        request, response = self._request, self._response
        body = response.body
        assert not isinstance(body, bytes | ConnectionUpgrade)
        chain = request.chain
        pieces = body
        bodyless = request.method == b"HEAD" or response.status in (204, 304)
        if chain is not None and chain.body_filters:
            # Nothing to filter where no body is sent: see ``ResponseQueue``.
            limit = 0 if bodyless else chain.whole_body(request, response)
            if limit:
                await self._write_whole(body, limit)
                return
            drop_length(response)
            pieces = _filtered(request, response, body)
        length = _content_length(response)
        chunked = length is None and request.version == "1.1"
        if length is None and not chunked and not bodyless:
            self.keep_alive = False
        head = self._heads.head(request, response, None, self.keep_alive)
        self.written = len(head)
        self._flow.transport.write(head)
        if not bodyless:
            self.written += await self._copy(pieces, length, chunked)

    async def _write_whole(self, body: AsyncIterator[bytes], limit: int) -> None:
        """Write a body that a filter wants in one piece; what cannot be had so is a 502."""
        request, response = self._request, self._response
        chain = request.chain
        assert chain is not None
        try:
            data = await _collected(body, response, limit)
            data = chain.filter_body(request, response, data, True)
        except Exception as error:
            made = failure_response(error, request, _log, "request failed")
            assert isinstance(made.body, bytes)
            response.status, response.headers = made.status, list(made.headers)
            response.generated, data = True, made.body
        head = self._heads.head(request, response, len(data), self.keep_alive)
        if response.status not in (204, 304):
            head += data
        self.written = len(head)
        self._flow.transport.write(head)
        if self._flow.write_paused:
            await self._flow.drained()

    async def close(self) -> None:
        """Tell what makes the body that no more of it is read."""
        close = getattr(self._response.body, "aclose", None)
        if close is not None:
            await close()

    async def _copy(self, pieces: AsyncIterator[bytes], length: int | None, chunked: bool) -> int:
        """Write the pieces; return the bytes of body written, without framing."""
        flow = self._flow
        transport = flow.transport
        total = 0
        async for piece in pieces:
            if not piece:
                continue
            total += len(piece)
            if length is not None and total > length:
                raise ValueError(f"body is longer than its Content-Length {length}")
            transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            if flow.write_paused:
                await flow.drained()
        if length is not None and total < length:
            raise ValueError(f"body has {total} bytes but its Content-Length is {length}")
        if chunked:
            transport.write(b"0\r\n\r\n")
        return total


def discard(response: Response) -> None:
    """Tell what makes a body that it will not be read."""
    body = response.body
    if isinstance(body, ConnectionUpgrade):
        body.abort()
        return
    close = getattr(body, "close", None)
    if close is not None:
        close()


async def _collected(body: AsyncIterator[bytes], response: Response, limit: int) -> bytes:
    """Return a body as a whole; raises ``UpstreamError`` where it is longer or breaks off."""
    if (_content_length(response) or 0) > limit:
        raise _too_long(limit)
    pieces, size = [], 0
    try:
        async for piece in body:
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise _too_long(limit)
    except (OSError, ProtocolError) as error:
        raise UpstreamError(502, message_of(502), str(error)) from error
    return b"".join(pieces)


def _too_long(limit: int) -> UpstreamError:
    detail = f"the response has more than {limit} bytes, and a plugin wants it whole"
    _log.warning("response too large for a plugin", limit=limit)
    return UpstreamError(502, message_of(502), detail)


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
