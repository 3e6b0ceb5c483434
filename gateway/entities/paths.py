# SPDX-License-Identifier: Apache-2.0
"""Paths of routes: prefixes in their normal form, and regular expressions.

The rules and texts are those of Kong 3.10 ``kong/db/schema/typedefs.lua``.
"""

from __future__ import annotations

import re

from gateway.entities.types import MALFORMED_PERCENT
from gateway.errors import ReleaseRefused
from gateway.routing.normalise import normalise
from gateway.routing.regex import Pattern

_PLAIN = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9\-._~]+)*/?")
"""Paths that need no closer look: the usual ones."""


def check_route_path(value: str) -> str:
    """Return what is wrong with a route's path, or an empty string."""
    if "//" in value:
        return "must not have empty segments"
    if value.startswith("~/"):
        return _check_regex(value[1:])
    if not value.startswith("/"):
        return "should start with: / (fixed path) or ~/ (regex path)"
    if _PLAIN.fullmatch(value):
        return ""
    bad = MALFORMED_PERCENT.search(value)
    if bad is not None:
        return f"invalid url-encoded value: '{bad[0]}'"
    normal = normal_form(value)
    return "" if normal == value else f"not normalized path. Suggest: '{normal}'"


def _check_regex(pattern: str) -> str:
    try:
        Pattern(pattern)
    except ReleaseRefused as error:
        return str(error)
    return ""


def normal_form(path: str) -> str:
    """Return the form in which requests are matched: decoded, without dot segments."""
    return normalise(path.encode(), merge=False).decode(errors="surrogateescape")
