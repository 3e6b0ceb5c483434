# SPDX-License-Identifier: Apache-2.0
"""What a caller gets that does not pass: RFC 6750 section 3."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from gateway.http.generated_responses import json_response
from gateway.http.messages import Response
from gateway.plugins.authentication import Denial, challenge

_INVALID, _SCOPE = "invalid_token", "insufficient_scope"


class Refusals:
    """Makes refusals; the realm is the provider's host."""

    def __init__(self, config: Any) -> None:
        self._config = config
        ((self._name, self._challenge),) = challenge("Bearer", urlsplit(config.issuer).hostname)
        unauthorized = config.unauthorized_error_message
        self.nothing = Denial(
            unauthorized, "no token was shown", headers=(self._header(),), absent=True
        )
        self._redirects = {
            401: (config.unauthorized_redirect_uri or [None])[0],
            403: (config.forbidden_redirect_uri or [None])[0],
        }

    def unauthorized(self, reason: str) -> Denial:
        """Return the refusal of a token that is none."""
        message = self._message(self._config.unauthorized_error_message, reason)
        return Denial(message, reason, headers=(self._header(_INVALID, reason),))

    def forbidden(self, reason: str, *, scope: bool = False) -> Denial:
        """Return the refusal of a caller that is known and may not."""
        message = self._message(self._config.forbidden_error_message, reason)
        headers = (self._header(_SCOPE, reason),) if scope else ()
        return Denial(message, reason, 403, headers)

    def response(self, denial: Denial) -> Response:
        """Return the refusal as it is sent: JSON, or a redirect where one is configured."""
        place = self._redirects.get(denial.status)
        if place:
            return Response(302, [(b"Location", place.encode()), *denial.headers])
        return json_response(denial.status, denial.message, denial.headers)

    def _message(self, message: str, reason: str) -> str:
        return f"{message} ({reason})" if self._config.display_errors else message

    def _header(self, code: str = "", reason: str = "") -> tuple[bytes, bytes]:
        value = self._challenge.decode()
        if code and self._config.expose_error_code:
            value += f', error="{code}"'
            if self._config.display_errors:
                value += f', error_description="{reason}"'
        return self._name, value.encode()
