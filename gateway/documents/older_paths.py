# SPDX-License-Identifier: Apache-2.0
"""Paths of routes as files before format 3.0 have them, in today's form.

Until Kong 3.0 a path with a character that is not plain was a regular expression, without a ``~``
before it, and escapes were decoded in both kinds. Kong reads older files so (3.10:
``kong/db/declarative/migrations/route_path.lua``); without it their expressions match nothing.
"""

from __future__ import annotations

import re
from typing import Any

from gateway.routing.normalise import normalise

_PLAIN = re.compile(r"[A-Za-z0-9._~/%-]*")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_KEPT = frozenset("!#$%&'()*+,/:;=?@[]")
"""Characters whose escapes stay: they part a URL (RFC 3986, section 2.2), or begin an escape."""
_MEANING = frozenset(".^-{}\\|")
"""Characters that mean something in an expression, and themselves where they were escaped."""


def renew_paths(raw: dict[str, Any]) -> None:
    """Give the paths of all routes of an older file today's form, in place."""
    routes = [raw.get("routes")]
    services = raw.get("services")
    routes += [one.get("routes") for one in _maps(services)]
    for route in [route for level in routes for route in _maps(level)]:
        paths = route.get("paths")
        if isinstance(paths, list):
            route["paths"] = [renewed(path) if isinstance(path, str) else path for path in paths]


def renewed(path: str) -> str:
    """Return a path of an older file in today's form; one that has it already stays."""
    if path.startswith("~") or "${" in path:
        # A placeholder is today's too.
        return path
    if _PLAIN.fullmatch(path):
        decoded = normalise(path.encode())
        return decoded.decode() if _is_text(decoded) else path
    return "~" + _ESCAPE.sub(_decoded, path)


def _decoded(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    # Bytes of a longer character are only one together; the router compares them escaped or not.
    if character in _KEPT or not character.isascii():
        return found[0].upper()
    return f"\\{character}" if character in _MEANING else character


def _is_text(path: bytes) -> bool:
    try:
        return path.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _maps(level: Any) -> list[dict[str, Any]]:
    items = level if isinstance(level, list) else ()
    return [item for item in items if isinstance(item, dict)]
