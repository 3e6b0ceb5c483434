# SPDX-License-Identifier: Apache-2.0
"""Serve the provider: print the port, answer the engine, exit when interrupted or orphaned."""

from __future__ import annotations

import os
import sys
from concurrent import futures
from pathlib import Path
from typing import NoReturn

# Before anything slow: whoever started us may be gone by the time that we serve.
PARENT = os.getppid()

# Run as a file from the project's directory: import from the repository, not from this folder.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from provider.bare_sdk import expose_protocol_only  # noqa: E402

expose_protocol_only()

import grpc  # noqa: E402
from pulumi.runtime.proto import provider_pb2_grpc  # noqa: E402

from provider.server import Provider  # noqa: E402
from provider.serving import serve_the_engine  # noqa: E402

# A worker may wait for a process to become ready while other calls come in; threads are started
# as they are needed.
_WORKERS = 64


def serve(engine: str) -> NoReturn:
    """Serve on a free loopback port until SIGINT, SIGTERM or the end of the engine's process."""
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=_WORKERS),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Provider(engine), server)
    serve_the_engine(server, PARENT)


if __name__ == "__main__":
    serve(sys.argv[-1] if len(sys.argv) > 1 else "")
