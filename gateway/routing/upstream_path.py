# SPDX-License-Identifier: Apache-2.0
"""The path that is sent upstream: service path and what the route leaves of the request path.

Only ``path_handling: v0`` exists here, as in Kong's default router flavour; a route that says
``v1`` is served as v0.
"""

from __future__ import annotations

from gateway.routing.normalise import escape


def upstream_path(base: bytes, path: bytes, prefix: bytes | None, *, strip: bool) -> bytes:
    """Join service path and request path, escaped for sending, without query.

    ``base`` is the service's path or ``/``, ``path`` the normalised request path, ``prefix`` what
    the route's path matched of it (None when the route has no path).
    """
    if strip:
        rest = path[1:] if prefix is None else path[len(prefix) :]
        return escape(_stripped(base, path, _clean(rest)))
    if base[-1:] == b"/":
        return escape(base + path[1:])
    return escape(base if path == b"/" else base + path)


def _clean(rest: bytes) -> bytes:
    # Cutting a prefix inside a segment may leave a dot segment behind: "/route../x" minus "/route".
    if rest[:1] != b".":
        return rest
    if rest in (b".", b".."):
        return b""
    if rest[:2] == b"./":
        return rest[2:]
    if rest[:3] == b"../":
        return rest[3:]
    return rest


def _stripped(base: bytes, path: bytes, rest: bytes) -> bytes:
    slash = base[-1:] == b"/"
    if not rest:
        if base == b"/":
            return base
        if slash:
            return base if path[-1:] == b"/" else base[:-1]
        return base + b"/" if len(path) > 1 and path[-1:] == b"/" else base
    if rest[:1] == b"/":
        return (base[:-1] if slash else base) + rest
    return base + rest if slash else base + b"/" + rest
