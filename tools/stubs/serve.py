# SPDX-License-Identifier: Apache-2.0
"""Serve one stubbed package to the engine: print the port, leave at once when interrupted.

``STUB_WORLD`` is the folder that stands for the cloud, ``STUB_FAIL`` what is to fail there.
"""

from __future__ import annotations

import importlib
import os
import sys
from concurrent import futures
from pathlib import Path
from typing import NoReturn

from provider.bare_sdk import expose_protocol_only

expose_protocol_only()

import grpc  # noqa: E402
from pulumi.runtime.proto import provider_pb2_grpc  # noqa: E402

from provider.serving import serve_the_engine  # noqa: E402
from tools.stubs.servicer import StubProvider  # noqa: E402
from tools.stubs.world import World  # noqa: E402


def serve(package: str, version: str) -> NoReturn:
    """Serve ``package`` on a free loopback port until interrupted or orphaned."""
    parent = os.getppid()
    module = importlib.import_module(f"tools.stubs.packages.{package}")
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=32))
    world = World(Path(os.environ["STUB_WORLD"]))
    servicer = StubProvider(module.PACKAGE, version, world, os.environ.get("STUB_FAIL", ""))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    serve_the_engine(server, parent)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2])
