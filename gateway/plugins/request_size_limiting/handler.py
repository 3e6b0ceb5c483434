# SPDX-License-Identifier: Apache-2.0
"""Refuse a body that says it is too large, and one that turns out to be while it arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from gateway.errors import BodyRefused
from gateway.http.client_connection import BodyStream
from gateway.http.generated_responses import error_response
from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler, PluginContext

_TOO_LARGE = "Request size limit exceeded"
_NO_LENGTH = "A valid Content-Length header is required"


class RequestSizeLimiting(Handler):
    """Bodies of unknown length are counted on their way to the upstream; none is kept for it."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._most: int = config.most()
        self._required: bool = config.require_content_length

    def access(self, request: Request) -> Response | None:
        """Let pass what is not too large, as far as can be told."""
        length = request.header(b"content-length")
        if length is not None and length.isdigit():
            # More digits than any size has: Python would refuse to read them.
            large = len(length) > 18 or int(length) > self._most
            return self._refusal(request) if large else None
        if self._required and request.header(b"transfer-encoding") is None:
            return error_response(411, _NO_LENGTH, request)
        if len(request.body) > self._most:
            return self._refusal(request)
        if request.stream is not None:
            request.stream = CountedBody(request.stream, self._most)
        return None

    def _refusal(self, request: Request) -> Response:
        # Who asks before sending learns that it is of no use (RFC 9110 §10.1.1).
        status = 417 if request.header(b"expect") is not None else 413
        return error_response(status, _TOO_LARGE, request)


class CountedBody:
    """A body that breaks off with a 413 once it is too large."""

    def __init__(self, stream: BodyStream, most: int) -> None:
        self._stream = stream
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._most
        async for piece in self._stream:
            left -= len(piece)
            if left < 0:
                raise BodyRefused(413, _TOO_LARGE)
            yield piece
