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


def may(viewer: AdminIdentity | None, role: Role, *, all_owners: bool = False) -> bool:
    """Tell whether somebody has a role, if asked so for all owners; nobody has none."""
    return viewer is not None and viewer.may(role) and not (all_owners and viewer.owners)


def may_roll_back(viewer: AdminIdentity | None) -> bool:
    """Tell whether somebody may go back to a release, which changes what all owners have."""
    return may(viewer, "publish", all_owners=True)


def demand(request: Request, role: Role, *, all_owners: bool = False) -> None:
    """Raise ``RequestRejected`` (403) where who looks has not the role.

    A button that is not shown is no protection: each write asks here.
    """
    viewer = viewer_of(request)
    if not may(viewer, role, all_owners=all_owners):
        name = "nobody" if viewer is None else viewer.name
        text = f"{name} may not do this: it takes a token with the role {role}, for all owners"
        raise RequestRejected(403, text)
