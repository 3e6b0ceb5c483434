# SPDX-License-Identifier: Apache-2.0
"""JSON over HTTP: to the control plane's Admin API, to Konnect, to the health of a process.

On urllib: a command, and a plugin of the engine, starts for a few requests, and an asynchronous
client costs more to import than those.
"""

from __future__ import annotations

import http.client
import json
import random
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from gateway import __version__
from gateway.errors import EndpointUnreachable
from gateway.http.callers import is_loopback
from gateway.names.addresses import token_problem
from gateway.pem import verifying

TOO_MANY = 429
_WHO = {"User-Agent": f"kafka-gateway/{__version__}"}
"""What releases and the audit log of a control plane say of the program that asked."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0


@dataclass(frozen=True)
class ApiResponse:
    """Status and JSON body; the body is None when it is empty or no JSON.

    ``retry_after`` and ``location`` are the headers of those names.
    """

    status: int
    body: Any
    retry_after: str = ""
    location: str = ""

    @property
    def message(self) -> str:
        """The status, and what went wrong in the words of the API."""
        if isinstance(self.body, dict):
            for name in ("message", "detail", "title"):
                if isinstance(self.body.get(name), str):
                    return f"{self.status}: {self.body[name]}"
        if self.location:
            return f"{self.status}: it redirects to {self.location}; give the address that it is at"
        return str(self.status)


@dataclass(frozen=True)
class JsonApi:
    """One API: base URL, the headers that identify us (hidden from repr), its own authority.

    ``verified`` is False where the certificate proves nothing: a process of this machine.
    ``patience`` is for how many seconds at most requests that are too many (429) are sent again.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca: str | None = None
    verified: bool = True
    patience: float = 180.0

    def request(
        self, method: str, path: str = "", body: Any = None, timeout: float = 5.0
    ) -> ApiResponse:
        """Send one request; any status is a response.

        One that was too many was not carried out, whatever it asks for (RFC 6585 section 4), so it
        is sent again when the response says, or later and later. A redirect is a response too: who
        followed it would show what identifies us to whomever it leads to.

        Raises EndpointUnreachable when no response comes within ``timeout`` seconds.
        """
        # What http.client says of such a header shows it.
        for name, value in self.headers.items():
            if problem := token_problem(value):
                raise EndpointUnreachable(f"{self.url} cannot be asked: the {name} {problem}")
        deadline, attempt = time.monotonic() + self.patience, 0
        while True:
            response = self._once(method, path, body, timeout)
            if response.status != TOO_MANY:
                return response
            pause = pause_before_retry(attempt, response.retry_after)
            if time.monotonic() + pause > deadline:
                return response
            time.sleep(pause)
            attempt += 1

    def _once(self, method: str, path: str, body: Any, timeout: float) -> ApiResponse:
        try:
            request = urllib.request.Request(  # noqa: S310 - the scheme is checked with the inputs
                self.url.rstrip("/") + path if path else self.url,
                method=method,
                data=None if body is None else json.dumps(body).encode(),
                headers={**_WHO, **self.headers, "Content-Type": "application/json"},
            )
            with self._opener().open(request, timeout=timeout) as response:
                return ApiResponse(response.status, _json(response.read()))
        except urllib.error.HTTPError as response:
            with response:
                after = response.headers.get("Retry-After") or ""
                location = response.headers.get("Location") or ""
                return ApiResponse(response.code, _json(response.read()), after, location)
        except (OSError, ValueError, http.client.HTTPException) as problem:
            raise EndpointUnreachable(
                f"{self.url} does not answer ({_reason(problem)})"
            ) from problem

    def _opener(self) -> urllib.request.OpenerDirector:
        # Those of the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), but an Admin API on loopback
        # must not be looked for behind one.
        here = is_loopback(urllib.parse.urlsplit(self.url).hostname or "")
        proxies: dict[str, str] | None = {} if here else None
        handlers: list[urllib.request.BaseHandler] = [
            urllib.request.ProxyHandler(proxies),
            _NoRedirects(),
        ]
        if self.url.startswith("https:"):
            context = verifying(cadata=self.ca)
            if not self.verified:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            handlers.append(urllib.request.HTTPSHandler(context=context))
        return urllib.request.build_opener(*handlers)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow none: ``_once`` returns it as a response."""


def quoted(name: str) -> str:
    """``name`` as one segment of a path."""
    return urllib.parse.quote(name, safe="")


def pause_before_retry(attempt: int, retry_after: str, now: datetime | None = None) -> float:
    """Return for how many seconds to wait before the next attempt; the first one was number 0.

    What the response says counts (RFC 9110 section 10.2.3: seconds, or a date). Without it the
    pause doubles, and chance spreads those who were refused together.
    """
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempt, 16))
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - nobody gains by guessing it
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def _reason(problem: Exception) -> str:
    if isinstance(problem, http.client.HTTPException):
        # What came instead of HTTP is another protocol's, and no text.
        return f"no HTTP: {type(problem).__name__}"
    inner = getattr(problem, "reason", None) or problem
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
