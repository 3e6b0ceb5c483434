# SPDX-License-Identifier: Apache-2.0
"""JSON over HTTP: to the control plane's Admin API, to Konnect, to the health of a process.

On urllib: a plugin starts for each command, and an asynchronous client costs more to import than
the few requests made here.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import EndpointUnreachable


@dataclass(frozen=True)
class ApiResponse:
    """Status and JSON body; the body is None when it is empty or no JSON."""

    status: int
    body: Any

    @property
    def message(self) -> str:
        """The status, and what went wrong in the words of the API."""
        if isinstance(self.body, dict):
            for name in ("message", "detail", "title"):
                if isinstance(self.body.get(name), str):
                    return f"{self.status}: {self.body[name]}"
        return str(self.status)


@dataclass(frozen=True)
class JsonApi:
    """One API: base URL, the headers that identify us (hidden from repr), its own authority.

    ``verified`` is False where the certificate proves nothing: a process of this machine.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca: str | None = None
    verified: bool = True

    def request(
        self, method: str, path: str = "", body: Any = None, timeout: float = 5.0
    ) -> ApiResponse:
        """Send one request; any status is a response.

        Raises EndpointUnreachable when none comes within ``timeout`` seconds.
        """
        try:
            request = urllib.request.Request(  # noqa: S310 - the scheme is checked with the inputs
                self.url.rstrip("/") + path if path else self.url,
                method=method,
                data=None if body is None else json.dumps(body).encode(),
                headers={**self.headers, "Content-Type": "application/json"},
            )
            with self._opener().open(request, timeout=timeout) as response:
                return ApiResponse(response.status, _json(response.read()))
        except urllib.error.HTTPError as response:
            with response:
                return ApiResponse(response.code, _json(response.read()))
        except (OSError, ValueError) as problem:
            raise EndpointUnreachable(
                f"{self.url} does not answer ({_reason(problem)})"
            ) from problem

    def _opener(self) -> urllib.request.OpenerDirector:
        # No proxies: an Admin API on loopback must not be looked for behind one.
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
        if self.url.startswith("https:"):
            context = ssl.create_default_context(cadata=self.ca)
            if not self.verified:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            handlers.append(urllib.request.HTTPSHandler(context=context))
        return urllib.request.build_opener(*handlers)


def quoted(name: str) -> str:
    """``name`` as one segment of a path."""
    return urllib.parse.quote(name, safe="")


def _reason(problem: Exception) -> str:
    inner = getattr(problem, "reason", problem)
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
