# SPDX-License-Identifier: Apache-2.0
"""The access log: one JSON line a request, collected on the loop and written by a thread.

A thread, because a full disk or a pipe that is not read would otherwise stop every request. What
cannot be written is dropped and counted.
"""

from __future__ import annotations

import asyncio
import os
import threading
from queue import Full, Queue
from time import monotonic, time
from typing import Any

import orjson

from gateway.errors import SettingsError
from gateway.http.messages import Request, Response

_EVERY = 0.5
_MOST = 1000
"""Lines collected before they are handed over without waiting for the clock."""
_BACKLOG = 64
_PIPE = 4096
"""Bytes that a pipe takes as a whole: lines of several workers never mix."""


class AccessLog:
    """Appends to a file. Raises ``SettingsError`` when it cannot be opened."""

    def __init__(self, path: str) -> None:
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        except OSError as error:
            text = f"KONG_PROXY_ACCESS_LOG: cannot open {path}: {error.strerror}"
            raise SettingsError(text) from None
        self.dropped = 0
        """Lines that were not written because writing did not keep up."""
        self._lines: list[bytes] = []
        self._queue: Queue[list[bytes] | None] = Queue(_BACKLOG)
        self._timer: asyncio.TimerHandle | None = None
        self._thread = threading.Thread(target=self._write, name="access-log", daemon=True)
        self._thread.start()

    def add(self, request: Request, response: Response, written: int) -> None:
        """Take one request that was responded to; called on the loop's thread."""
        self._lines.append(orjson.dumps(_entry(request, response, written), default=_text))
        if len(self._lines) >= _MOST:
            self._hand_over()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_EVERY, self._hand_over)

    def close(self) -> None:
        """Write what is collected, within a second, and close."""
        self._hand_over()
        try:
            self._queue.put(None, timeout=1.0)
        except Full:
            return
        self._thread.join(timeout=1.0)

    def _hand_over(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines = self._lines, []
        if not lines:
            return
        try:
            self._queue.put_nowait(lines)
        except Full:
            self.dropped += len(lines)

    def _write(self) -> None:
        while True:
            lines = self._queue.get()
            if lines is None:
                os.close(self._file)
                return
            try:
                for piece in _pieces(lines):
                    os.write(self._file, piece)
            except OSError:
                self.dropped += len(lines)


def _entry(request: Request, response: Response, written: int) -> dict[str, Any]:
    match = request.match
    trace = request.trace
    entry = {
        "time": time(),
        "client": request.client_ip,
        "method": request.method.decode("latin-1"),
        # The query stays out: it is where clients put keys.
        "path": request.path.decode("latin-1"),
        "status": response.status,
        "bytes": written,
        "ms": round((monotonic() - request.received) * 1000, 3),
        "upstream_status": request.upstream_status,
        "route": None if match is None else match.route.get("name") or match.route["id"],
        "consumer": _consumer(request.consumer),
        "request_id": request.id.decode(),
        "trace_id": None if trace is None else trace.id,
    }
    if trace is not None and trace.sampled:
        entry["span_id"] = trace.root.decode()
    return entry


def _consumer(consumer: Any) -> Any:
    if isinstance(consumer, dict):
        return consumer.get("username") or consumer.get("custom_id")
    return getattr(consumer, "username", None)


def _text(value: Any) -> str:
    return str(value)


def _pieces(lines: list[bytes]) -> list[bytes]:
    pieces: list[bytes] = []
    current = b""
    for line in lines:
        if current and len(current) + len(line) + 1 > _PIPE:
            pieces.append(current)
            current = b""
        current += line + b"\n"
    return [*pieces, current]
