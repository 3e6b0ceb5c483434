# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from starlette.requests import Request

from gateway.control_plane.access.identity import AdminIdentity, with_lower
from gateway.control_plane.page.viewer import demand, may, may_roll_back, sign, viewer_of
from gateway.errors import RequestRejected


def identity(role: str, *owners: str) -> AdminIdentity:
    return AdminIdentity("ann", with_lower([role]), frozenset(owners))


@pytest.mark.parametrize(
    ("role", "owners", "allowed"),
    [
        ("read", (), False),
        ("write", (), False),
        ("publish", (), True),
        ("admin", (), True),
        ("admin", ("team-a",), False),
    ],
)
def test_a_rollback_takes_publish_for_all_owners(
    role: str, owners: tuple[str, ...], allowed: bool
) -> None:
    assert may_roll_back(identity(role, *owners)) is allowed


def test_nobody_may_do_anything() -> None:
    request = Request({"type": "http", "headers": []})
    assert viewer_of(request) is None
    assert not may(None, "read")
    assert not may_roll_back(None)
    with pytest.raises(RequestRejected, match="nobody may not do this"):
        demand(request, "publish")


def test_who_may_not_is_told_what_it_takes() -> None:
    request = Request({"type": "http", "headers": []})
    sign(request.scope, identity("read"), "")
    with pytest.raises(RequestRejected, match="a token with the role publish") as caught:
        demand(request, "publish")
    assert caught.value.status == 403
    sign(request.scope, identity("publish", "team-a"), "")
    demand(request, "publish")
    with pytest.raises(RequestRejected, match="for all owners"):
        demand(request, "publish", all_owners=True)
