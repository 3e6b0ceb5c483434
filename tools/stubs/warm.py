# SPDX-License-Identifier: Apache-2.0
"""Stub providers and a language host that stay up between commands of the real engine.

A command starts five plugins and a program, each a Python of its own that loads its SDK: most of
the time that a command takes. Here the engine finds all of them running: providers by
``PULUMI_DEBUG_PROVIDERS``, the language host by ``--client``. The program is still the checkout's
own, started by the SDK's exec script in a process of its own for each run.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, provider_pb2_grpc

from tools.language_host.server import (
    REPORTED_EXIT_CODE,
    LanguageHost,
    exec_script,
    program_python,
    run_arguments,
    run_environment,
)
from tools.stubs.install import PACKAGES, ROOT, sdk_version
from tools.stubs.servicer import StubProvider
from tools.stubs.session import StubSession
from tools.stubs.world import World

GATEWAY = ("gateway", "0.1.0")


class WarmPlugins:
    """What one session's commands find running; ``fail`` is what the stubs are to refuse."""

    def __init__(self, stubs: list[StubProvider], providers: str, client: str) -> None:
        self._stubs = stubs
        self.environment = {
            "PULUMI_DEBUG_PROVIDERS": providers,
            # The state is written once, at the end of an update, and not after each resource.
            "PULUMI_EXPERIMENTAL": "true",
            "PULUMI_SKIP_CHECKPOINTS": "true",
        }
        self.arguments = (f"--client={client}",)

    def fail(self, faults: str) -> None:
        """Have these operations fail, and no others."""
        for stub in self._stubs:
            stub.set_faults(faults)


@contextmanager
def warm_session(folder: Path, stack: str, *, gateway: bool = True) -> Iterator[StubSession]:
    """Give a session whose commands find their plugins running.

    Our own provider is stubbed too, or, without ``gateway``, the real one, started as ever.
    """
    session = StubSession(folder, stack, gateway=gateway)
    versions = [(name, sdk_version(name)) for name in PACKAGES] + ([GATEWAY] if gateway else [])
    stubs = [_stub(name, version, session.world) for name, version in versions]
    with warm_plugins(stubs, session.environment(), folder / "program.log") as plugins:
        session.plugins = plugins
        yield session


def _stub(name: str, version: str, world: World) -> StubProvider:
    module = importlib.import_module(f"tools.stubs.packages.{name}")
    return StubProvider(module.PACKAGE, version, world)


@contextmanager
def warm_plugins(
    stubs: list[StubProvider], environment: Mapping[str, str], log: Path
) -> Iterator[WarmPlugins]:
    """Serve the stubs, and programs with ``environment``; ``log`` is for what those print."""
    host = WarmLanguageHost(environment, log)
    servers: list[grpc.Server] = []
    try:
        ports = {
            stub.package: _served(
                servers, partial(provider_pb2_grpc.add_ResourceProviderServicer_to_server, stub)
            )
            for stub in stubs
        }
        client = _served(
            servers, partial(language_pb2_grpc.add_LanguageRuntimeServicer_to_server, host)
        )
        providers = ",".join(f"{name}:{port}" for name, port in ports.items())
        yield WarmPlugins(stubs, providers, f"127.0.0.1:{client}")
    finally:
        for server in servers:
            server.stop(None)
        host.close()


def _served(servers: list[grpc.Server], add: Callable[[grpc.Server], object]) -> int:
    """Start a server with what ``add`` adds to it; return its port."""
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=32))
    add(server)
    port: int = server.add_insecure_port("127.0.0.1:0")
    server.start()
    servers.append(server)
    return port


class Forker:
    """The process of ``tools.stubs.forker``: one is enough for all sessions of this process."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="forker-")
        self._socket = str(Path(self._folder.name) / "socket")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tools.stubs.forker", self._socket],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            process_group=0,
        )
        atexit.register(self._end)

    def connect(self) -> socket.socket:
        """Return a connection that runs one program after another."""
        while self._process.poll() is None:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(self._socket)
            except OSError:
                connection.close()
                time.sleep(0.01)
            else:
                return connection
        raise RuntimeError("the process that forks programs has ended")

    def _end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        self._folder.cleanup()


_ONE_AT_A_TIME = threading.Lock()


def forker() -> Forker:
    """Return the one of this process, started when it is first asked for."""
    with _ONE_AT_A_TIME:
        return _forker()


@cache
def _forker() -> Forker:
    return Forker()


def _end(programs: Iterable[int]) -> None:
    for process in programs:
        os.kill(process, signal.SIGTERM)


class WarmLanguageHost(LanguageHost):
    """The project's own language host, but programs are forked from one that has the SDKs."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        super().__init__("")
        self._environment, self._log = dict(environment), log
        self._turn = threading.Lock()
        self._connection = forker().connect()
        self._lines = self._connection.makefile("rw")
        self._running: list[int] = []

    def Run(self, request: Any, context: Any) -> Any:
        """Run the program to its end, or until the engine waits for it no more, in a fork."""
        # The engine's own address is the first argument to a client's program.
        arguments = [exec_script(), *run_arguments(request, request.args[0])]
        environment = run_environment(request, program_python(request.info))
        wanted = {
            "arguments": [os.path.realpath(arguments[0]), *arguments[1:]],
            "environment": {**environment, **self._environment},
            "folder": request.pwd,
            "log": str(self._log),
        }
        code = self._forked(wanted, context)
        if code in (0, REPORTED_EXIT_CODE):
            return language_pb2.RunResponse(bail=bool(code))
        printed = self._log.read_text()[-2000:]
        return language_pb2.RunResponse(error=f"the program exited with {code}\n{printed}")

    def _forked(self, wanted: Mapping[str, Any], context: Any) -> int:
        with self._turn:
            self._lines.write(json.dumps(wanted) + "\n")
            self._lines.flush()
            running = self._running = [int(self._lines.readline())]
            if not context.add_callback(partial(_end, running)):
                _end(running)
            code = int(self._lines.readline())
            running.clear()
            return code

    def close(self) -> None:
        """End a program that still runs; whoever forked it sees that nobody asks any more."""
        _end(self._running)
        self._lines.close()
        self._connection.close()
