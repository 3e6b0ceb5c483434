# SPDX-License-Identifier: Apache-2.0
"""``http-log`` at work."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from gateway.errors import OutgoingError, ReleaseRefused
from gateway.outgoing.client import Fetch, Pairs
from gateway.plugins.base import PluginContext
from gateway.plugins.logging.handler import LogHandler

_REFUSED_FROM = 300


class HttpLog(LogHandler):
    """Sends entries to its endpoint. Raises ``ReleaseRefused`` without its certificate."""

    name = "http-log"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        limits = config.limits()
        self._alone = limits.batch == 1 or limits.at_once
        url, headers = _without_user(config.http_endpoint)
        headers += tuple((config.headers or {}).items())
        self._request = Fetch(
            url,
            method=config.method,
            headers=(("Content-Type", config.content_type), *headers),
            timeout=config.timeout / 1000,
            verify=config.ssl_verify,
            ca=context.trusted_ca,
            certificate=self._certificate(),
        )
        # A path may be a secret as well: of the URL only this is shown.
        parts = urlsplit(url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self.use_queue(limits)

    async def send(self, entries: list[bytes]) -> int:
        """Send the entries in one request."""
        body = entries[0]
        if len(entries) > 1:
            # Copied once: a batch may be large.
            body = b",".join([b"[" + body, *entries[1:-1], entries[-1] + b"]"])
        elif not self._alone:
            body = b"[%b]" % body
        try:
            status = await self.context.http.deliver(replace(self._request, body=body))
        except OutgoingError as error:
            text = str(error).replace(self._request.url, self._origin)
            raise OutgoingError(text.replace(self._request.place, self._origin)) from None
        if status >= _REFUSED_FROM:
            raise OutgoingError(f"{self._origin}: the response's status is {status}")
        self.context.logs.counts.sent(self.name, len(entries))
        return len(entries)

    def _certificate(self) -> tuple[str, str] | None:
        wanted = self.config.client_certificate
        if wanted is None:
            return None
        found = self.context.certificate(wanted.id)
        if found is None:
            raise ReleaseRefused([f"http-log: there is no certificate {wanted.id}"])
        return found


def _without_user(url: str) -> tuple[str, Pairs]:
    """Return a URL without user and password, and the header that says who it was."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, ()
    name, _, password = user.partition(":")
    proof = b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), (("Authorization", f"Basic {proof}"),)
