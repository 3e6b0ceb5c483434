# SPDX-License-Identifier: Apache-2.0
"""Serve one stubbed package to the engine: print the port, leave at once when interrupted."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from concurrent import futures
from typing import NoReturn

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from tests.engine.stubs.servicer import StubProvider


def serve(package: str, version: str) -> NoReturn:
    """Serve ``package`` on a free loopback port until SIGINT or SIGTERM."""
    module = importlib.import_module(f"tests.engine.stubs.packages.{package}")
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=32))
    servicer = StubProvider(module.PACKAGE, version)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    leaving = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: leaving.set())
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    leaving.wait()
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
