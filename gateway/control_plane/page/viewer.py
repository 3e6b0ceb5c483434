# SPDX-License-Identifier: Apache-2.0
"""Who looks at the page, and what they may do on it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import Scope

from gateway.control_plane.access.identity import AdminIdentity, Role
from gateway.errors import RequestRejected

COOKIE_READ = "kafka_gateway.cookie"
"""In a request's scope: the cookie that said who looks; empty without one."""


def sign(scope: Scope, identity: AdminIdentity, cookie: str) -> None:
    """Note who looks."""
    scope.setdefault("state", {})["identity"] = identity
    scope[COOKIE_READ] = cookie


def viewer_of(request: Request) -> AdminIdentity | None:
    """Return who looks; None before they have signed in."""
    found: AdminIdentity | None = getattr(request.state, "identity", None)
    return found


def may(viewer: AdminIdentity | None, role: Role) -> bool:
    """Tell whether somebody has a role; nobody has none."""
    return viewer is not None and viewer.may(role)


def may_roll_back(viewer: AdminIdentity | None) -> bool:
    """Tell whether somebody may go back to a release, which changes what all owners have."""
    return may(viewer, "publish") and viewer is not None and not viewer.owners


def demand(request: Request, allowed: bool, role: Role) -> AdminIdentity:
    """Return who looks; raises ``RequestRejected`` (403) where they may not.

    A button that is not shown is no protection: each write asks here.
    """
    viewer = viewer_of(request)
    if viewer is None or not allowed:
        name = "nobody" if viewer is None else viewer.name
        text = f"{name} may not do this: it takes a token with the role {role}, for all owners"
        raise RequestRejected(403, text)
    return viewer
