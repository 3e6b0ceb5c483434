# SPDX-License-Identifier: Apache-2.0
"""Cache-Control of requests and responses (RFC 9111): how long, and whether at all."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache

from gateway.http.messages import Request, Response

_LONGEST = 2**31
"""Seconds; a delta that is larger counts as this (RFC 9111, 1.2.2)."""
_UNKEPT = ("private", "no-store", "no-cache")
_STRICT = ("must-revalidate", "proxy-revalidate", "s-maxage")

Directives = Mapping[str, int | bool]


@lru_cache(maxsize=1024)
def directives(text: str) -> Directives:
    """Return names in lower case with their seconds; True where there are none."""
    found: dict[str, int | bool] = {}
    for part in text.split(","):
        name, equals, value = part.strip().partition("=")
        value = value.strip().strip('"')
        name = name.strip().lower()
        if not name:
            continue
        if name.endswith(("age", "fresh")) or (equals and name == "max-stale"):
            # One that is no number says nothing that could be relied on: it is over at once.
            found[name] = delta(value)
        else:
            found[name] = True
    return found


def delta(text: str) -> int:
    """Return seconds as a header has them; 0 for what is no number."""
    if not (text.isascii() and text.isdigit()):
        return 0
    # Python makes no integer of thousands of digits.
    digits = text.lstrip("0")
    return _LONGEST if len(digits) > len(str(_LONGEST)) else min(int(digits or "0"), _LONGEST)


def of_request(request: Request) -> Directives:
    """Return what a request's Cache-Control says, and Pragma where there is none."""
    values = request.header_values(b"cache-control")
    if not values:
        values = request.header_values(b"pragma")
    return directives(b",".join(values).decode("latin-1")) if values else {}


def of_response(response: Response) -> Directives:
    """Return what a response's Cache-Control says."""
    values = [value for name, value in response.headers if name.lower() == b"cache-control"]
    return directives(b",".join(values).decode("latin-1")) if values else {}


def lifetime(response: Response, now: float) -> int:
    """Return for how many seconds a response says that it is fresh; 0: it may not be kept."""
    said = of_response(response)
    if any(name in said for name in _UNKEPT):
        return 0
    for name in ("s-maxage", "max-age"):
        seconds = said.get(name)
        if seconds is not None:
            return 0 if seconds is True else int(seconds)
    for header, value in response.headers:
        if header.lower() == b"expires":
            return _until(value.decode("latin-1"), now)
    return 0


def is_strict(response: Response) -> bool:
    """Tell whether a response must not be given when it is no longer fresh (RFC 9111, 5.2.2)."""
    said = of_response(response)
    return any(name in said for name in _STRICT)


def is_usable(age: float, ttl: int, said: Directives, *, strict: bool) -> bool:
    """Tell whether a response of this age and lifetime will do (RFC 9111, 5.2.1)."""
    most, ahead = said.get("max-age"), said.get("min-fresh")
    if most is not None and age > most:
        return False
    if ahead is not None and ttl - age < ahead:
        return False
    if age <= ttl:
        return True
    stale = said.get("max-stale")
    if stale is None or strict:
        return False
    return stale is True or age - ttl <= stale


def _until(expires: str, now: float) -> int:
    try:
        return max(0, min(int(parsedate_to_datetime(expires).timestamp() - now), _LONGEST))
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0
