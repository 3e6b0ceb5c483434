# SPDX-License-Identifier: Apache-2.0
"""Preflights in the access phase, the headers of CORS on every response."""

from __future__ import annotations

from typing import Any

from gateway.http.headers import Headers
from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.cors.origins import Origins
from gateway.plugins.cors.schema import all_methods

_ORIGIN = b"access-control-allow-origin"
_CREDENTIALS = b"access-control-allow-credentials"
_EXPOSED = b"access-control-expose-headers"
_OVER = "cors"
"""In a request's context: its response has the headers already, or is to have none."""


class Cors(Handler):
    """One configuration."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._origins = Origins(config.origins or ())
        self._methods = ",".join(config.methods or all_methods()).encode()
        self._headers = ",".join(config.headers or ()).encode()
        self._exposed = ",".join(config.exposed_headers or ()).encode()
        self._max_age = None if config.max_age is None else f"{config.max_age}".encode()

    def access(self, request: Request) -> Response | None:
        """Respond to preflights."""
        if request.method != b"OPTIONS" or not request.header(b"origin"):
            return None
        if not request.header(b"access-control-request-method"):
            return None
        request.context = {**(request.context or {}), _OVER: True}
        if self.config.preflight_continue:
            return None
        headers: Headers = []
        self._put(request, headers)
        allowed = self._headers or request.header(b"access-control-request-headers")
        if allowed:
            headers.append((b"Access-Control-Allow-Headers", allowed))
        headers.append((b"Access-Control-Allow-Methods", self._methods))
        if self._max_age is not None:
            headers.append((b"Access-Control-Max-Age", self._max_age))
        private = request.header(b"access-control-request-private-network") == b"true"
        if self.config.private_network and private:
            headers.append((b"Access-Control-Allow-Private-Network", b"true"))
        return Response(200, headers)

    def header_filter(self, request: Request, response: Response) -> None:
        """Say which pages may read the response, in place of what the upstream says."""
        if request.context is not None and _OVER in request.context:
            return
        if not self.config.allow_origin_absent and not request.header(b"origin"):
            return
        replaced = {_ORIGIN}
        headers: Headers = []
        self._put(request, headers)
        if self._exposed:
            headers.append((b"Access-Control-Expose-Headers", self._exposed))
        replaced.update(name.lower() for name, _ in headers if name != b"Vary")
        kept = [pair for pair in response.headers if pair[0].lower() not in replaced]
        if _varies(kept):
            headers = [pair for pair in headers if pair[0] != b"Vary"]
        response.headers = kept + headers

    def _put(self, request: Request, headers: Headers) -> None:
        """Add what tells the origin, and whether it may send credentials."""
        given = request.header(b"origin")
        allowed = self._origins.allow(None if given is None else given.decode("latin-1"))
        origin = None if allowed.origin is None else allowed.origin.encode("latin-1", "replace")
        vary = allowed.vary
        credentials = self.config.credentials
        if credentials and allowed.everyone:
            # A browser takes no "*" beside credentials (Fetch standard, section 3.3.5).
            credentials = bool(given)
            if given:
                origin, vary = given, True
        if origin is not None:
            headers.append((b"Access-Control-Allow-Origin", origin))
        if vary:
            headers.append((b"Vary", b"Origin"))
        if credentials:
            headers.append((b"Access-Control-Allow-Credentials", b"true"))


def _varies(headers: Headers) -> bool:
    """Whether the response varies by Origin already, or by everything."""
    for name, value in headers:
        if name.lower() == b"vary":
            words = {word.strip().lower() for word in value.split(b",")}
            if words & {b"origin", b"*"}:
                return True
    return False
