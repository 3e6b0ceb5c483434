# SPDX-License-Identifier: Apache-2.0
"""What the HTTP server asks of the application behind it."""

from __future__ import annotations

from typing import Protocol

from gateway.http.messages import Pending, Request, Response

STREAM = -1
"""``begin``: hand the body over while it arrives, as ``request.stream``."""
DISCARD = -2
"""``begin``: the body is not wanted; read it off the wire and drop it."""


class Application(Protocol):
    """The three calls of a request, all on the event loop's thread, none may block.

    A call that raises is answered 500 and logged with the request's id.
    """

    def begin(self, request: Request) -> int | Response:
        """Route the request when its head is complete, before any of its body.

        Set ``request.match`` and ``request.chain``. Return what to do with the body: a number
        ≥ 0 buffers it and refuses more bytes than that with 413; ``STREAM``; ``DISCARD``. Or
        return the response, when it does not depend on the body: ``handle`` is not called then.
        Earlier requests of a pipelining client may still be under way.
        """
        ...

    def handle(self, request: Request) -> Response | Pending:
        """Respond now, or say that the response comes later; requests of a connection in order.

        Called for requests without a ``chain``: one that has one is handled by its ``run``.
        """
        ...

    def finished(self, request: Request, response: Response, written: int) -> None:
        """Count and log after the response is on its way; ``written`` is its bytes with the head.

        ``request.ended`` says when that was.

        Also called for refusals of the server itself (400, 408, …); ``request.method`` is empty
        when not even the request line was understood.
        """
        ...
