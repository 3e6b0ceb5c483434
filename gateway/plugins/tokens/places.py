# SPDX-License-Identifier: Apache-2.0
"""Where tokens stand in a request: headers, cookies, query arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gateway.http import arguments
from gateway.http.cookies import cookies_of
from gateway.http.messages import Request

_BEARER = re.compile(rb"\s*[Bb]earer\s+(.+)", re.DOTALL)


_TOKEN = re.compile(rb"[\x21-\x7e]+")


def is_token(value: bytes) -> bool:
    """Tell whether a text may be a token: visible ASCII (RFC 6749 appendix A.12), no blanks.

    Of a query or a form any bytes may come. An issuer that trims what it is asked about would make
    lines of ours out of those, and one that fails over a NUL seems to be gone for everybody.
    """
    return _TOKEN.fullmatch(value) is not None


def bearer(value: bytes) -> bytes | None:
    """Return the token of a header value ``Bearer …`` (RFC 6750 section 2.1), else None."""
    if value.startswith(b"Bearer ") and not value.startswith(b"Bearer  "):
        return value[7:] or None
    match = _BEARER.fullmatch(value)
    return None if match is None else match[1]


def cookies(request: Request, names: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the values of cookies (RFC 6265 section 5.4): of each name the first, if any."""
    found = cookies_of(request)
    for name in names:
        if found.get(name):
            yield found[name]


def query_values(request: Request, names: Sequence[str]) -> Iterator[arguments.Argument]:
    """Yield all values of query arguments; True for one without an equals sign."""
    if not request.query:
        return
    given = arguments.parse(request.query)
    for name in names:
        value = given.get(name)
        if isinstance(value, list):
            yield from value
        elif value is not None:
            yield value
