# SPDX-License-Identifier: Apache-2.0
"""Batches of spans to a receiver of OTLP over gRPC, by gRPC's own client (extra ``otlp-grpc``).

Source: OTLP specification, "OTLP/gRPC"; the service is ``TraceService`` of opentelemetry-proto.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import OutgoingError

SCHEMES = ("grpc", "grpcs")
"""Of a receiver's URL: without TLS, and with it."""
_PORT = 4317
_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_RETRIED = frozenset(
    """
    CANCELLED DEADLINE_EXCEEDED RESOURCE_EXHAUSTED ABORTED OUT_OF_RANGE UNAVAILABLE DATA_LOSS
    """.split()  # noqa: SIM905
)
"""Codes after which a batch is sent again (OTLP specification, "OTLP/gRPC Response")."""
_LONGEST = 200


class GrpcSender:
    """One connection, made when it is first needed; it ends with this object."""

    def __init__(
        self, url: str, headers: Iterable[tuple[str, str]], timeout: float, ca: str | None
    ) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        self.place = f"{parts.scheme}://{host}:{parts.port or _PORT}"
        self._address = f"{f'[{host}]' if ':' in host else host}:{parts.port or _PORT}"
        self._secure = parts.scheme == "grpcs"
        # Names of metadata are in lower case (gRPC over HTTP/2, "Custom-Metadata").
        self._metadata = tuple((name.lower(), value) for name, value in headers)
        self._timeout = timeout
        self._ca = ca
        self._call: Any = None

    async def send(self, body: bytes) -> bool:
        """Send an ``ExportTraceServiceRequest``; tell whether it was taken, or never will be.

        Raises ``OutgoingError`` where it is worth sending again, and without the extra.
        """
        try:
            # Imported late: it is large, and is not there where nobody asked for it.
            import grpc
        except ModuleNotFoundError:
            raise OutgoingError(
                f"{self.place}: OTLP over gRPC needs grpcio; install kafka-gateway[otlp-grpc]"
            ) from None
        if self._call is None:
            self._call = await self._opened()
        try:
            await self._call(body, timeout=self._timeout, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            code = error.code().name
            if code in _RETRIED:
                detail = (error.details() or "")[:_LONGEST]
                raise OutgoingError(f"{self.place}: {code}: {detail}") from None
            return False
        return True

    async def _opened(self) -> Any:
        import grpc

        if not self._secure:
            channel = grpc.aio.insecure_channel(self._address)
        else:
            trusted = None
            if self._ca is not None:
                try:
                    trusted = await asyncio.to_thread(Path(self._ca).read_bytes)
                except OSError as error:
                    raise OutgoingError(f"cannot read {self._ca}: {error.strerror}") from None
            credentials = grpc.ssl_channel_credentials(root_certificates=trusted)
            channel = grpc.aio.secure_channel(self._address, credentials)
        return channel.unary_unary(_EXPORT)
