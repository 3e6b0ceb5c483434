# SPDX-License-Identifier: Apache-2.0
"""Waiting until a process serves: HTTP 2xx or an open TCP port, or the reason why not."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

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
    """Ask once; return None when it is ready, else why not."""
    if ready["kind"] == "http":
        return _probe_http(str(ready["url"]))
    return _probe_tcp(str(ready.get("host") or "127.0.0.1"), int(ready["port"]))


def _probe_tcp(host: str, port: int) -> str | None:
    try:
        socket.create_connection((host, port), timeout=_ATTEMPT_SECONDS).close()
    except OSError as problem:
        return f"port {port} does not accept connections ({_reason(problem)})"
    return None


def _probe_http(url: str) -> str | None:
    # A probe of our own process on loopback, perhaps with a certificate of its own authority.
    context = ssl._create_unverified_context() if url.startswith("https:") else None  # noqa: S323
    try:
        with urllib.request.urlopen(url, timeout=_ATTEMPT_SECONDS, context=context):  # noqa: S310
            return None
    except urllib.error.HTTPError as answer:
        with answer:
            return f"{url} answers {answer.code}{_message(answer)}"
    except (OSError, ValueError) as problem:
        return f"{url} does not answer ({_reason(problem)})"


def _message(answer: Any) -> str:
    try:
        body = json.loads(answer.read(65_536))
    except (OSError, ValueError):
        return ""
    text = body.get("message") if isinstance(body, dict) else None
    return f": {text}" if isinstance(text, str) else ""


def _reason(problem: Exception) -> str:
    inner = getattr(problem, "reason", problem)
    return str(getattr(inner, "strerror", None) or inner)
