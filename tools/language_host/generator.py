# SPDX-License-Identifier: Apache-2.0
"""A language host that writes SDKs and does nothing else: for languages that no program here is in.

`pulumi package gen-sdk --language nodejs|go` asks a host of that language. The official archive has
them all; beside a CLI that was built from Go modules these stand in.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent import futures
from pathlib import Path
from typing import Any, NoReturn

# Run as a file from any directory: import from the repository, not from this folder.
ROOT = Path(__file__).resolve().parents[2]
PARENT = os.getppid()
if __name__ == "__main__":
    sys.path[0] = str(ROOT)
    from provider.bare_sdk import expose_protocol_only

    expose_protocol_only()

import grpc  # noqa: E402
from google.protobuf import empty_pb2  # noqa: E402
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2  # noqa: E402

from provider.serving import serve_the_engine  # noqa: E402

GENERATOR = ROOT / ".tools" / "sdk" / "sdk-generator"
VERSION = "3.259.0"
"""Of the CLI whose code generates, as in tools/sdk_generator/go.mod."""


def generate_package(language: str, request: Any, context: Any) -> Any:
    """Answer GeneratePackage: write the SDK of ``request.schema`` into ``request.directory``."""
    if not GENERATOR.exists():
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no SDK generator yet: run `make sdks`")
    command = [str(GENERATOR), language, request.directory, request.loader_target or "127.0.0.1:1"]
    done = subprocess.run(command, input=request.schema.encode(), capture_output=True, check=False)
    if done.returncode:
        context.abort(grpc.StatusCode.UNKNOWN, done.stderr.decode(errors="replace").strip())
    for name, content in request.extra_files.items():
        file = Path(request.directory) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return language_pb2.GeneratePackageResponse()


class GeneratorHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Writes SDKs in one language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Nothing is to be agreed on."""
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The host has the version of the code that generates."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GeneratePackage(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Write an SDK."""
        return generate_package(self._language, request, context)

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The engine closes us right after."""
        return empty_pb2.Empty()


def serve(language: str) -> NoReturn:
    """Serve on a free loopback port, print it, and leave when interrupted or orphaned."""
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=4),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    host = GeneratorHost(language)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    serve_the_engine(server, PARENT)


if __name__ == "__main__":
    serve(sys.argv[1])
