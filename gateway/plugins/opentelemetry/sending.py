# SPDX-License-Identifier: Apache-2.0
"""Batches of spans to a receiver of OTLP: over HTTP as binary protobuf, or over gRPC."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.errors import OutgoingError
from gateway.outgoing.client import Fetch, HttpClient
from gateway.plugins.opentelemetry.grpc_sending import SCHEMES, GrpcSender

_RETRIED = frozenset({429, 502, 503, 504})
"""Statuses after which a batch is sent again (OTLP specification, "OTLP/HTTP Response")."""
_CONTENT = ("Content-Type", "application/x-protobuf")


@dataclass(frozen=True)
class SpanReceiver:
    """Where spans go. ``timeout`` in seconds; ``ca`` is a file, None for the system's store."""

    url: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    timeout: float = 10.0
    ca: str | None = None


class SpanSender:
    """Sends batches to one receiver, as the scheme of its URL says."""

    def __init__(self, http: HttpClient, receiver: SpanReceiver) -> None:
        self._http = http
        self._receiver = receiver
        self._grpc: GrpcSender | None = None
        if receiver.url.partition("://")[0] in SCHEMES:
            self._grpc = GrpcSender(receiver.url, receiver.headers, receiver.timeout, receiver.ca)

    async def send(self, body: bytes) -> bool:
        """Send an ``ExportTraceServiceRequest``; tell whether it was taken, or never will be.

        Raises ``OutgoingError`` where it is worth sending again.
        """
        if self._grpc is not None:
            return await self._grpc.send(body)
        return await send_spans(self._http, self._receiver, body)


async def send_spans(http: HttpClient, receiver: SpanReceiver, body: bytes) -> bool:
    """Send an ``ExportTraceServiceRequest``; tell whether it was taken, or never will be.

    Raises ``OutgoingError`` where it is worth sending again.
    """
    request = Fetch(
        receiver.url,
        "POST",
        headers=(*receiver.headers, _CONTENT),
        body=body,
        timeout=receiver.timeout,
        ca=receiver.ca,
    )
    status = await http.deliver(request)
    if status in _RETRIED:
        raise OutgoingError(f"{request.place}: the response's status is {status}")
    return status < 300
