# SPDX-License-Identifier: Apache-2.0
"""Lines for the user through the engine's Log call; a plugin's own output is hidden."""

from __future__ import annotations

import threading
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class EngineLog:
    """Sends each line once per operation; without an engine it does nothing."""

    def __init__(self, address: str = "") -> None:
        """``address`` is the engine's, as given on the command line."""
        self._lock = threading.Lock()
        self._said: set[tuple[str, str]] = set()
        self._stub: Any = None
        self.connect(address)

    def connect(self, address: str) -> None:
        """Talk to the engine at ``address`` from now on; an empty one changes nothing."""
        if address:
            channel = grpc.insecure_channel(address)
            self._stub = engine_pb2_grpc.EngineStub(channel)

    def info(self, urn: str, message: str) -> None:
        """Tell what happened."""
        self._say(urn, engine_pb2.INFO, message)

    def warning(self, urn: str, message: str) -> None:
        """Tell what the user should look at."""
        self._say(urn, engine_pb2.WARNING, message)

    def shared_warning(self, urn: str, message: str) -> None:
        """Warn about what many resources find out; only the first one says it."""
        with self._lock:
            said = ("", message) in self._said
            self._said.add(("", message))
        if not said:
            self._say(urn, engine_pb2.WARNING, message)

    def _say(self, urn: str, severity: engine_pb2.LogSeverity.ValueType, message: str) -> None:
        with self._lock:
            if self._stub is None or (urn, message) in self._said:
                return
            self._said.add((urn, message))
        try:
            self._stub.Log(
                engine_pb2.LogRequest(severity=severity, message=message, urn=urn), timeout=5
            )
        except grpc.RpcError:
            return  # The engine is leaving; nobody is there to read it.
