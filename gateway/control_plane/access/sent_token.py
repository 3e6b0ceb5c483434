# SPDX-License-Identifier: Apache-2.0
"""The token in a request: ``Kong-Admin-Token``, or ``Authorization`` as Bearer or Basic.

Of several the first in this order counts, so that what a proxy adds does not decide.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from starlette.datastructures import Headers

TOKEN_HEADER = "Kong-Admin-Token"  # noqa: S105  # the header's name, not a token
AUTHORIZATION = "Authorization"


@dataclass(frozen=True)
class SentToken:
    """A token as it was sent."""

    token: bytes
    user: str = ""
    """Whose it is said to be, with Basic; empty: nobody says."""


def sent_token_of(headers: Headers) -> SentToken | None:
    """Return what a request has been sent with; None for nothing, or nothing that can be read.

    Basic (RFC 7617) has the token as password and its name as user, which may be empty.
    """
    token = headers.get(TOKEN_HEADER)
    if token is not None:
        return SentToken(token.encode("latin-1")) if token else None
    scheme, _, rest = headers.get(AUTHORIZATION, "").strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer" and rest:
        return SentToken(rest.encode("latin-1"))
    if scheme.lower() == "basic" and rest:
        return _basic(rest)
    return None


def _basic(text: str) -> SentToken:
    try:
        user, colon, token = base64.b64decode(text, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return SentToken(text.encode("latin-1"), "?")  # wrong, and counted as such
    if not colon:
        return SentToken(user, "?")
    return SentToken(token, user.decode("utf-8", "replace"))
