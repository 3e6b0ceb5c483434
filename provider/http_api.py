# SPDX-License-Identifier: Apache-2.0
"""JSON over HTTP to an administration API: the control plane's, Konnect's.

On urllib: a plugin starts for each command, and an asynchronous client costs more to import than
the few requests made here.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import EndpointUnreachable

_RETRY_SECONDS = 0.2


@dataclass(frozen=True)
class Answer:
    """Status and JSON body; the body is None when it is empty or no JSON."""

    status: int
    body: Any

    @property
    def message(self) -> str:
        """What went wrong, in the words of the API."""
        if isinstance(self.body, dict):
            for name in ("message", "detail", "title"):
                if isinstance(self.body.get(name), str):
                    return f"{self.status}: {self.body[name]}"
        return str(self.status)


@dataclass(frozen=True)
class Api:
    """One API: base URL, the headers that identify us (hidden from repr), its own authority."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca: str | None = None

    def request(self, method: str, path: str, body: Any = None, timeout: float = 5.0) -> Answer:
        """Send one request; any status is an answer.

        Raises EndpointUnreachable when none comes within ``timeout`` seconds.
        """
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked with the inputs
            self.url.rstrip("/") + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={**self.headers, "Content-Type": "application/json"},
        )
        try:
            with _opener(self.ca).open(request, timeout=timeout) as answer:
                return Answer(answer.status, _json(answer.read()))
        except urllib.error.HTTPError as answer:
            with answer:
                return Answer(answer.code, _json(answer.read()))
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "reason", problem)
            text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
            raise EndpointUnreachable(f"{self.url} does not answer ({text})") from problem

    def request_patiently(
        self,
        method: str,
        path: str,
        body: Any,
        timeout: float,
        patience: float,
        cancelled: threading.Event,
    ) -> Answer:
        """Like ``request``, but give an API that is just starting ``patience`` seconds."""
        deadline = time.monotonic() + patience
        while True:
            try:
                return self.request(method, path, body, timeout)
            except EndpointUnreachable:
                if time.monotonic() >= deadline or cancelled.wait(_RETRY_SECONDS):
                    raise


def quoted(name: str) -> str:
    """``name`` as one segment of a path."""
    return urllib.parse.quote(name, safe="")


def _opener(authority: str | None) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context(cadata=authority)
    # No proxies: an Admin API on loopback must not be looked for behind one.
    return urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
