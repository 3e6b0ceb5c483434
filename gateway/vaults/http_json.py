# SPDX-License-Identifier: Apache-2.0
"""A small client of JSON APIs, for threads: bounded in time and size, without redirects."""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from gateway.errors import VaultError
from gateway.pem import verifying

_TIMEOUT = 5.0
"""Seconds for connecting, and for each piece of a response."""
_DOWN = 1.0
"""Seconds for which it holds that a peer cannot be reached."""
_WHOLE = 10.0
"""Seconds for a whole response."""
_LARGEST = 4 * 1024**2


class VaultApi:
    """An API at ``url`` (scheme, host, port). ``trusted_ca``: a file; None for the system's."""

    def __init__(self, url: str, trusted_ca: str | None) -> None:
        self._url = url
        self._trusted = trusted_ca
        self._down: tuple[float, str] = (0.0, "")

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, Any]]:
        """Return status and object; an empty one for a body that is none.

        Raises ``VaultError`` when there is no response. Its text holds neither body nor headers.
        Right after that the next call fails at once: many secrets wait no longer than one.
        """
        since, problem = self._down
        if problem and time.monotonic() - since < _DOWN:
            raise VaultError(problem)
        try:
            found = self._exchange(method, path, body, headers)
            self._down = (0.0, "")
            return found
        except VaultError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            problem = self._problem(error)
            self._down = time.monotonic(), problem
            raise VaultError(problem) from None

    def _problem(self, error: Exception) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"{self._url}: {error.verify_message}"
        if isinstance(error, TimeoutError):
            return f"{self._url} does not respond in time"
        if isinstance(error, http.client.HTTPException):
            return f"{self._url} does not speak HTTP"
        if isinstance(error, OSError):
            return f"{self._url} is unreachable: {error.strerror or type(error).__name__}"
        # A credential with a line break, say, which would be a header of its own.
        return f"{self._url} cannot be asked: a credential is malformed"

    def _exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, Any]]:
        connection = self._connection()
        try:
            sent = None if body is None else orjson.dumps(body)
            connection.request(method, path, sent, dict(headers))
            response = connection.getresponse()
            return response.status, _object(_content(response))
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self._url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=_TIMEOUT)
        try:
            context = verifying(cafile=self._trusted)
        except (OSError, ssl.SSLError) as error:
            raise VaultError(f"the trusted certificates cannot be used: {error}") from None
        return http.client.HTTPSConnection(host, port, timeout=_TIMEOUT, context=context)


def _content(response: http.client.HTTPResponse) -> bytes:
    """Read a body; raises ``TimeoutError`` for one that takes too long or has no end."""
    until, pieces, size = time.monotonic() + _WHOLE, [], 0
    while piece := response.read1(65536):
        pieces.append(piece)
        size += len(piece)
        if size > _LARGEST or time.monotonic() > until:
            raise TimeoutError
    return b"".join(pieces)


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
