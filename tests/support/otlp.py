# SPDX-License-Identifier: Apache-2.0
"""Receivers of OTLP, over HTTP and gRPC, which read it with OpenTelemetry's own messages."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.waiting import eventually


class Receiver:
    """``requests`` has headers and message of each request; ``statuses`` are for the next ones."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[tuple[dict[str, str], ExportTraceServiceRequest]] = []
        self.statuses: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/traces"

    @property
    def spans(self) -> list[Span]:
        """All that came."""
        return [
            span
            for _, message in list(self.requests)
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str, count: int = 1) -> list[Span]:
        """Wait for spans of a name and return them."""
        eventually(lambda: len([span for span in self.spans if span.name == name]) >= count)
        return [span for span in self.spans if span.name == name]


def attributes(span: Any) -> dict[str, str | int]:
    """Return the attributes of a span or a resource."""
    return {
        item.key: getattr(item.value, item.value.WhichOneof("value")) for item in span.attributes
    }


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Receive until the end."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = receiver.statuses.pop(0) if receiver.statuses else 200
            if status == 200:
                message = ExportTraceServiceRequest.FromString(body)
                receiver.requests.append((dict(self.headers.items()), message))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def receiving_grpc(**tls: bytes) -> Iterator[Receiver]:
    """Receive OTLP over gRPC until the end; ``tls``: ``certificate`` and ``key`` as PEM.

    ``statuses`` are codes by their number (``grpc.StatusCode``), 0 for what is taken.
    """
    receiver = Receiver()
    codes = {code.value[0]: code for code in grpc.StatusCode}

    def export(message: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:
        status = receiver.statuses.pop(0) if receiver.statuses else 0
        if status:
            context.abort(codes[status], "as the test wants it")
        headers = {name: str(value) for name, value in context.invocation_metadata()}
        receiver.requests.append((headers, message))
        return ExportTraceServiceResponse()

    handler = grpc.unary_unary_rpc_method_handler(
        export, ExportTraceServiceRequest.FromString, ExportTraceServiceResponse.SerializeToString
    )
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"Export": handler}),)
    )
    if tls:
        credentials = grpc.ssl_server_credentials([(tls["key"], tls["certificate"])])
        receiver.port = server.add_secure_port("127.0.0.1:0", credentials)
    else:
        receiver.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield receiver
    finally:
        server.stop(None).wait()
