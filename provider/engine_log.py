# SPDX-License-Identifier: Apache-2.0
"""Warnings for the user through the engine's Log call; a plugin's own output is hidden."""

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
        self._logged: set[tuple[str, str]] = set()
        self._stub: Any = None
        self.connect(address)

    def connect(self, address: str) -> None:
        """Log to the engine at ``address`` from now on; an empty one changes nothing."""
        if address:
            channel = grpc.insecure_channel(address)
            self._stub = engine_pb2_grpc.EngineStub(channel)

    def warning(self, urn: str, message: str) -> None:
        """Log a warning about the resource ``urn``."""
        self._log((urn, message), urn, message)

    def shared_warning(self, urn: str, message: str) -> None:
        """Log a warning that many resources would repeat, for the first of them only."""
        self._log(("", message), urn, message)

    def _log(self, key: tuple[str, str], urn: str, message: str) -> None:
        with self._lock:
            if self._stub is None or key in self._logged:
                return
            self._logged.add(key)
        request = engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=message, urn=urn)
        try:
            self._stub.Log(request, timeout=5)
        except grpc.RpcError:
            return  # The engine is shutting down and reads no more lines.
