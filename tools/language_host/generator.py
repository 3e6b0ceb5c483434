# SPDX-License-Identifier: Apache-2.0
"""A language host that writes code and does nothing else: for languages that no program here is in.

`pulumi package gen-sdk --language nodejs|go` asks a host of that language for an SDK, and
`pulumi import` for the lines of a program. The official archive has them all; beside a CLI that was
built from Go modules these stand in.
"""

from __future__ import annotations

import json
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
    _generate(language, request.directory, request.loader_target, request.schema, context)
    for name, content in request.extra_files.items():
        file = Path(request.directory) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return language_pb2.GeneratePackageResponse()


def generate_program(language: str, request: Any, context: Any) -> Any:
    """Answer GenerateProgram: ``request.source``, which is PCL, in the language."""
    source = json.dumps(dict(request.source))
    printed = _generate(language, "-", request.loader_target, source, context)
    files = {name: text.encode() for name, text in json.loads(printed).items()}
    return language_pb2.GenerateProgramResponse(source=files)


def _generate(language: str, folder: str, loader: str, given: str, context: Any) -> bytes:
    if not GENERATOR.exists():
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no SDK generator yet: run `make sdks`")
    command = [str(GENERATOR), language, folder, loader or "127.0.0.1:1"]
    done = subprocess.run(command, input=given.encode(), capture_output=True, check=False)
    if done.returncode:
        context.abort(grpc.StatusCode.UNKNOWN, done.stderr.decode(errors="replace").strip())
    return done.stdout


class GeneratorHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Writes SDKs and programs in one language."""

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

    def GenerateProgram(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Write a program."""
        return generate_program(self._language, request, context)

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
