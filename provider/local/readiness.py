# SPDX-License-Identifier: Apache-2.0
"""Waiting until a process serves: HTTP 2xx or an open TCP port, or the reason why not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

from gateway.errors import EndpointUnreachable
from gateway.http.json_api import JsonApi
from provider.values import Properties

_ATTEMPT_SECONDS = 1.0
_POLL_SECONDS = 0.03


def wait_ready(
    ready: Properties,
    is_running: Callable[[], bool],
    cancelled: threading.Event,
) -> str | None:
    """Wait for ``ready`` {kind, url | host, port, timeoutSeconds}; return what is wrong, or None.

    Ends at once when the process dies or the operation is cancelled.
    """
    timeout = float(ready["timeoutSeconds"])
    deadline = time.monotonic() + timeout
    while True:
        if not is_running():
            return "it ended before it was ready"
        problem = probe(ready)
        if problem is None:
            return None
        if cancelled.is_set():
            return f"the operation was cancelled while {problem}"
        if time.monotonic() >= deadline:
            return f"it is not ready after {timeout:g} s: {problem}"
        time.sleep(_POLL_SECONDS)


def probe(ready: Properties) -> str | None:
    """Probe once; return None when it is ready, else why not."""
    if ready["kind"] == "http":
        return _probe_http(str(ready["url"]))
    return _probe_tcp(str(ready.get("host") or "127.0.0.1"), int(ready["port"]))


def _probe_tcp(host: str, port: int) -> str | None:
    try:
        socket.create_connection((host, port), timeout=_ATTEMPT_SECONDS).close()
    except OSError as problem:
        return f"port {port} does not accept connections ({problem.strerror or problem})"
    return None


def _probe_http(url: str) -> str | None:
    try:
        response = JsonApi(url, verified=False, patience=0).request("GET", timeout=_ATTEMPT_SECONDS)
    except EndpointUnreachable as problem:
        return str(problem)
    # A redirect too is what a server says that is there.
    return None if response.status < 400 else f"{url} answers {response.message}"
