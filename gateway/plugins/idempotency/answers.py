# SPDX-License-Identifier: Apache-2.0
"""A first answer in the form in which it is kept, and back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import orjson

from gateway.errors import ProtocolError, UpstreamError
from gateway.http.client_connection import ConnectionUpgrade
from gateway.http.generated_responses import message_of
from gateway.http.messages import Response
from gateway.plugins.kept_heads import kept_headers, kept_status, plain_headers

REPLAYED = (b"Idempotent-Replayed", b"true")
"""Tells a client that the answer is that of an earlier request."""
_NOT_KEPT = frozenset((b"content-length", b"transfer-encoding", b"connection", b"set-cookie"))
"""Framing is the server's business; a cookie is for the one who got it first."""
_RETRIED = frozenset((408, 409, 425, 429))
"""Answers below 500 that ask the client to try again: nothing has happened yet."""


class Answer(NamedTuple):
    """``mark``: of the request; ``response``: None when it was too large to be kept."""

    mark: bytes
    response: Response | None


def is_kept(status: int) -> bool:
    """Tell whether an answer is final: a failure leaves the key free for another attempt."""
    return status < 500 and status not in _RETRIED and status != 101


def pack(mark: bytes, response: Response, *, whole: bool) -> bytes:
    """Return an answer as bytes: mark, length of the head, head as JSON, body.

    ``whole``: the body is bytes and is kept; otherwise only that there was an answer.
    """
    body = response.body if whole and isinstance(response.body, bytes) else b""
    headers = [pair for pair in response.headers if pair[0].lower() not in _NOT_KEPT]
    head = orjson.dumps([response.status, plain_headers(headers), response.generated, whole])
    return mark + len(head).to_bytes(4, "big") + head + body


def unpack(value: bytes) -> Answer | None:
    """Return the answer that ``pack`` made bytes of; None for bytes that something else made."""
    mark, end = value[:32], 36 + int.from_bytes(value[32:36], "big")
    try:
        status, headers, generated, whole = orjson.loads(value[36:end])
        if not whole:
            return Answer(mark, None)
        status, pairs = kept_status(status), kept_headers(headers)
    except (ValueError, TypeError):
        return None
    kept = Response(status, [*pairs, REPLAYED], value[end:], generated=generated is True)
    return Answer(mark, kept)


async def gathered(response: Response, most: int) -> tuple[Response, bool]:
    """Return a response whose body is whole, and True, if it has ``most`` bytes at most.

    A longer one goes on as a stream, with what was read already at its beginning. Raises
    ``UpstreamError`` (502) for one that breaks off before.
    """
    body = response.body
    if isinstance(body, bytes):
        return response, len(body) <= most
    if isinstance(body, ConnectionUpgrade):
        return response, False
    pieces, size = [], 0
    try:
        async for piece in body:
            pieces.append(piece)
            size += len(piece)
            if size > most:
                return _with(response, Resumed(pieces, body)), False
    except (OSError, ProtocolError) as error:
        raise UpstreamError(502, message_of(502), str(error)) from error
    return _with(response, b"".join(pieces)), True


def _with(response: Response, body: bytes | AsyncIterator[bytes]) -> Response:
    return Response(
        response.status,
        response.headers,
        body,
        generated=response.generated,
        close=response.close,
    )


class Resumed:
    """A body of which a part was read: that part, then the rest."""

    def __init__(self, pieces: list[bytes], rest: AsyncIterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = rest

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else await anext(self._rest)

    def close(self) -> None:
        """Read no more."""
        close = getattr(self._rest, "close", None)
        if close is not None:
            close()

    async def aclose(self) -> None:
        """The same, for code that closes any iterator."""
        close = getattr(self._rest, "aclose", None)
        if close is not None:
            await close()
