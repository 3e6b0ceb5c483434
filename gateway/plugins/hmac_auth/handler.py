# SPDX-License-Identifier: Apache-2.0
"""The access phase of ``hmac-auth``: who has signed the request, and is it what was signed?

The order of the checks is that of Kong 3.10 (``hmac-auth/access.lua``).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from time import time
from typing import Any

from gateway.http.messages import Request
from gateway.plugins.authentication import (
    AuthenticationHandler,
    Denial,
    Found,
    challenge,
    without,
)
from gateway.plugins.base import PluginContext
from gateway.plugins.hmac_auth import signature

_NO_DATE = (
    "HMAC signature cannot be verified, a valid date or x-date header is required for HMAC "
    "Authentication"
)
_CANNOT = "HMAC signature cannot be verified"
_DIFFERS = "HMAC signature does not match"
_PROXY, _DIRECT = b"proxy-authorization", b"authorization"


class HmacAuth(AuthenticationHandler):
    """Finds the user name, and by it the secret that must have signed the request."""

    name = "hmac-auth"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self.needs_body = config.validate_request_body
        self._identities = context.consumers.credentials("hmacauth_credentials")
        self._algorithms = frozenset(name.encode() for name in config.algorithms)
        self._enforced = frozenset(name.encode() for name in config.enforce_headers)
        self._skew: float = config.clock_skew
        ask = challenge("hmac", config.realm)

        def denial(message: str, reason: str, absent: bool = False) -> Denial:
            return Denial(message, reason, headers=ask, absent=absent)

        self._nothing = denial("Unauthorized", "no signature was shown", absent=True)
        self._no_date = denial(_NO_DATE, "the time is absent, malformed or too far off")
        self._malformed = denial(_CANNOT, "the header is not of the form of a signature")
        self._not_signed = denial(_CANNOT, "a header that must be signed is not")
        self._algorithm = denial(_CANNOT, "the algorithm is not allowed")
        self._unknown = denial(_CANNOT, "no consumer has the user name")
        self._differs = denial(_DIFFERS, "the signature is another")
        self._other_body = denial(_DIFFERS, "the body's digest is another")

    def authenticate(self, request: Request) -> Found:
        """Return whose signature it is."""
        if request.header(_PROXY) is None and request.header(_DIRECT) is None:
            return self._nothing
        if not self._is_now(request):
            return self._no_date
        shown = signature.read(request.header(_PROXY)) or signature.read(request.header(_DIRECT))
        if shown is None:
            return self._malformed
        if not self._enforced.issubset(shown.names):
            return self._not_signed
        if shown.algorithm not in self._algorithms:
            return self._algorithm
        found = self._identities.get(shown.username)
        if found is None or found.credential is None:
            return self._unknown
        if not signature.fits(shown, found.credential["secret"], request):
            return self._differs
        if self.config.validate_request_body and not _is_whole(request):
            return self._other_body
        return found

    def hide(self, request: Request) -> None:
        """Take out the header that was read as a signature."""
        for name in (_PROXY, _DIRECT):
            if signature.read(request.header(name)) is not None:
                request.headers = without(request.headers, frozenset((name,)))
                return

    def _is_now(self, request: Request) -> bool:
        """Tell whether one of the two headers is near enough to the gateway's clock."""
        for name in (b"x-date", b"date"):
            value = request.header(name)
            at = None if value is None else signature.time_of(value)
            if at is not None and abs(time() - at) <= self._skew:
                return True
        return False


def _is_whole(request: Request) -> bool:
    """Tell whether the body is the one whose digest the client says; none needs no digest."""
    said = request.header(b"digest")
    if said is None:
        return not request.body
    return said == b"SHA-256=" + b64encode(hashlib.sha256(request.body).digest())
