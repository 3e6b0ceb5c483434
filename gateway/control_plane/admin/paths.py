# SPDX-License-Identifier: Apache-2.0
"""Which collection stands under which path (Kong 3.10 ``kong/api/endpoints.lua``), and its keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from urllib.parse import unquote, unquote_to_bytes

from starlette.exceptions import HTTPException
from starlette.routing import Match, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.control_plane.changes import is_id
from gateway.entities import ENTITIES

_TOP = {
    "keyauth_credentials": "key-auths",
    "basicauth_credentials": "basic-auths",
    "hmacauth_credentials": "hmac-auths",
    "jwt_secrets": "jwts",
    "mtls_auth_credentials": "mtls-auths",
    "oauth2_credentials": "oauth2",
    "key_sets": "key-sets",
}
_NESTED = {
    "keyauth_credentials": "key-auth",
    "basicauth_credentials": "basic-auth",
    "hmacauth_credentials": "hmac-auth",
    "jwt_secrets": "jwt",
    "mtls_auth_credentials": "mtls-auth",
    "oauth2_credentials": "oauth2",
}
_ELSEWHERE = "consumer_group_consumers"
"""It has paths of its own kind: see ``admin/consumer_groups.py``."""
_ONLY_NESTED = frozenset({"targets", _ELSEWHERE})
"""Kong has no collection of all targets."""


class LiteralRoute(Route):
    """A route whose path is no key of the routes after it, whatever the method.

    Kong's router takes the path with the fewest names in it, and answers other methods with 405.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match by the path alone; the methods are looked at when the route is taken."""
        match, found = super().matches(scope)
        return (Match.FULL if match is Match.PARTIAL else match), found


class WholeRoute(Route):
    """A route that ends in a key with slashes (``{key:path}``); one at the end is none of it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match no path that ends in a slash: see ``serve_trailing_slashes``."""
        return (Match.NONE, {}) if scope["path"].endswith("/") else super().matches(scope)


@dataclass(frozen=True)
class Nesting:
    """A collection inside an entity: ``/services/{parent}/routes``."""

    parent: str
    child: str
    field: str
    """The child's foreign key to the parent."""

    @property
    def path(self) -> str:
        """The path of the collection; ``{parent}`` is the parent's id or name."""
        return f"{top_path(self.parent)}/{{parent}}/{_NESTED.get(self.child, self.child)}"


def top_path(collection: str) -> str:
    """Return the path of a collection."""
    return f"/{_TOP.get(collection, collection)}"


def top_collections() -> list[str]:
    """Return the collections that have a path of their own."""
    return [collection for collection in ENTITIES if collection not in _ONLY_NESTED]


@cache
def _secret_words() -> frozenset[str]:
    """Return the words of paths after which a key stands that may be a secret: a credential's."""
    secret = [one.collection for one in ENTITIES.values() if one.secret_key]
    return frozenset(word[one] for one in secret for word in (_TOP, _NESTED))


def shown_path(path: str) -> str:
    """Return a request's path without keys that may be secrets, for logs.

    Not only of paths that there are: a client that has misspelt one has sent the key all the same.
    """
    parts = path.split("/")
    first = next((at for at, part in enumerate(parts) if part in _secret_words()), len(parts))
    kept = [part if _is_harmless(part) else "…" for part in parts[first + 1 :]]
    return "/".join([*parts[: first + 1], *kept])


def _is_harmless(part: str) -> bool:
    return not part or part == "consumer" or is_id(part)


def nestings() -> list[Nesting]:
    """Return all collections inside entities."""
    return [
        Nesting(parent, child.collection, field)
        for child in ENTITIES.values()
        if child.collection != _ELSEWHERE
        for field, parent in child.foreign.items()
    ]


class WholeKeys:
    """Has a slash that a client encodes (``%2F``) be one of the key that it stands in.

    Routes see such keys still encoded, and their endpoints as they are: see ``with_whole_keys``.
    Kong's router splits paths before it decodes them, too (``kong/api/init.lua``, lapis).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        parts = [unquote_to_bytes(part) for part in scope["raw_path"].split(b"/")]
        texts = [part.decode("utf-8", "replace") for part in parts]
        path = "/".join(text.replace("%", "%25").replace("/", "%2F") for text in texts)
        await self._app({**scope, "path": path}, receive, send)


def with_whole_keys(routes: Iterable[Route]) -> None:
    """Have each route's endpoint see the keys of its path as they are."""
    for route in routes:
        route.app = _Decoded(route.app)


class _Decoded:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        scope["path_params"] = {name: unquote(key) for name, key in scope["path_params"].items()}
        await self._app(scope, receive, send)


def serve_trailing_slashes(router: Router) -> None:
    """Have a path that ends in slashes be the one without, as in Kong (``kong/api/init.lua``).

    Not by a redirect: many clients follow none of a write, and browsers none of a preflight.
    """

    async def without(scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        shorter = path.rstrip("/")
        if shorter in ("", path):
            raise HTTPException(404)
        scope["path"] = shorter  # in place: who makes an error of it looks at the same
        await router.app(scope, receive, send)

    router.redirect_slashes = False
    router.default = without
