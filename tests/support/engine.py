# SPDX-License-Identifier: Apache-2.0
"""The engine's own service on a real socket, as far as plugins log to it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2_grpc


class FakeEngine(engine_pb2_grpc.EngineServicer):
    """Keeps each line as severity, URN and message."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, str]] = []
        self.address = ""

    def Log(self, request: Any, context: Any) -> Any:
        self.lines.append((request.severity, request.urn, request.message))
        return empty_pb2.Empty()

    @contextmanager
    def running(self) -> Iterator[FakeEngine]:
        """Serve on a loopback port."""
        server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
        engine_pb2_grpc.add_EngineServicer_to_server(self, server)
        self.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        yield self
        server.stop(0).wait()
