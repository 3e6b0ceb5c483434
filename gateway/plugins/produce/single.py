# SPDX-License-Identifier: Apache-2.0
"""The way of nearly all requests: one record, whose report they wait for; compiled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.http.messages import Pending, Request, Response
from gateway.kafka.batch import Header
from gateway.plugins.produce.outcomes import Delivery, RecordSender

_NO_HEADERS: Sequence[Header] = ()


class FittingHeaders(Protocol):
    """What makes the headers of records: ``TracedHeaders``."""

    only_traces: bool
    most_passing: int

    def fitting(self, request: Request, size: int) -> Sequence[Header]:
        """Return the headers of a record whose value has so many bytes."""
        ...


class SingleRecords:
    """Sends the records of one handler's requests to its topic.

    ``most``: bytes of a value that has nothing beside it. ``must_wait`` has a record admitted, or
    returns True, and the request goes on ``in_turns``.
    """

    __slots__ = (
        "_bare",
        "_encode",
        "_headers",
        "_in_turns",
        "_most",
        "_most_passing",
        "_must_wait",
        "_send",
        "_sender",
        "_topic",
    )

    def __init__(
        self,
        sender: RecordSender,
        topic: str,
        encode: Callable[[Request, bytes], bytes],
        send: Callable[..., None],
        headers: FittingHeaders,
        most: int,
        must_wait: Callable[[Request, int], bool],
        in_turns: Callable[[Request], Response | Pending],
    ) -> None:
        self._sender = sender
        self._topic = topic
        self._encode = encode
        self._send = send
        self._headers = headers
        self._bare = headers.only_traces
        self._most_passing = headers.most_passing
        self._most = most
        self._must_wait = must_wait
        self._in_turns = in_turns

    def take(self, request: Request) -> Response | Pending:
        """Send a request's record; its response comes with the report.

        Raises ``RequestRejected`` and what the producer raises.
        """
        encode, send = self._encode, self._send
        value = encode(request, request.body)
        size = len(value)
        passing = request.passing
        headers = _NO_HEADERS
        if passing and size <= self._most_passing:
            headers = passing
        elif not self._bare or request.trace is not None or size > self._most:
            headers = self._headers.fitting(request, size)
        if request.admission is not None and self._must_wait(request, size):
            return self._in_turns(request)
        delivery = Delivery(self._sender, request)
        send(self._topic, value, None, headers, delivery.report)
        return delivery
